#include "postgres/connection.hpp"

#include "postgres/failure_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_connect_timeout = 5s;
constexpr std::chrono::milliseconds k_rollback_timeout = 1s;

/// Asking for GSS encryption costs a failed attempt wherever there is no Kerberos: a user who has
/// it says so in PGGSSENCMODE or in the URI.
void set_libpq_defaults() {
    constexpr int keep = 0;
    setenv("PGGSSENCMODE", "disable", keep);
    setenv("PGAPPNAME", "ordercache", keep);
}

} // namespace

PostgresConnection::PostgresConnection(PostgresService service, TimeLimit limit, Reporter& reporter,
                                       OpenSession open)
    : m_service(std::move(service)), m_limit(limit), m_reporter(reporter), m_open(std::move(open)) {
}

CommitEnd PostgresConnection::commit() {
    try {
        run_cancellable([session = m_session] { session->run("COMMIT"); },
                        {.deadline = m_limit.deadline(), .signals = Signals::wait});
        return CommitEnd::answered;
    } catch (const TimedOut&) {
        m_session.reset();
        return CommitEnd::timed_out;
    } catch (const SessionFailure& failed) {
        const auto session = std::exchange(m_session, nullptr);
        if (session->is_open()) {
            throw explained(failed, *session);
        }
        return CommitEnd::connection_lost;
    }
}

void PostgresConnection::roll_back() noexcept {
    try {
        if (const auto session = std::exchange(m_session, nullptr)) {
            run_cancellable(
                [session] { session->roll_back(); },
                {.deadline = Deadline::in(k_rollback_timeout), .signals = Signals::wait});
        }
    } catch (...) {
        return;
    }
}

Error PostgresConnection::failure(ExitStatus status, const std::string& what) const {
    return {status, fmt::format("PostgreSQL at {}: {}", name(), what)};
}

std::shared_ptr<PostgresSession> PostgresConnection::connected(const Tick& tick, Signals signals) {
    if (m_session) {
        return m_session;
    }
    m_reporter.note([&] { return fmt::format("Connecting to PostgreSQL at {}", name()); });
    set_libpq_defaults();
    try {
        m_session = run_cancellable(
            [open = m_open, to = m_service.connection_string] {
                return std::shared_ptr<PostgresSession>(open(to));
            },
            {.deadline = m_limit.deadline().or_in(k_connect_timeout),
             .signals = signals,
             .tick_interval = k_renewal_interval,
             .tick = tick});
        return m_session;
    } catch (const TimedOut&) {
        throw cannot_connect("no answer in time");
    } catch (const SessionFailure& failed) {
        throw cannot_connect(reason_of_no_connection(failed, m_service.database));
    } catch (const std::runtime_error& error) {
        throw cannot_connect(error.what());
    }
}

std::function<void()>
PostgresConnection::cancellation(std::shared_ptr<PostgresSession> session) const {
    return [session = std::move(session)] {
        try {
            session->cancel();
        } catch (const SessionFailure&) {
            return; // the wait for the call's end is bounded
        }
    };
}

Error PostgresConnection::explained(const SessionFailure& failed,
                                    const PostgresSession& session) const {
    if (rejects_the_order(failed)) {
        return failure(ExitStatus::no, "rejected: " + reason_of_rejection(failed));
    }
    const std::string reason = reason_of_failure(failed);
    return failure(ExitStatus::store_failed,
                   session.is_open() ? reason : "lost the connection: " + reason);
}

Error PostgresConnection::unexpected(const UnexpectedReply& reply) const {
    return failure(ExitStatus::store_failed,
                   fmt::format("its answer makes no sense: {}; is it PostgreSQL?", reply.what()));
}

Error PostgresConnection::cannot_connect(const std::string& reason) const {
    return {ExitStatus::store_failed,
            fmt::format("cannot connect to PostgreSQL at {}: {}", name(), reason)};
}

std::string PostgresConnection::name() const {
    return fmt::format("{}, {}", m_service.peer,
                       m_service.database.empty() ? "the user's own database"
                                                  : "database " + m_service.database);
}

} // namespace ordercache
