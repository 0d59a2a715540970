#include "postgres/connection.hpp"

#include "postgres/failure_text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_rollback_timeout = 1s;
constexpr std::chrono::milliseconds k_grace = 200ms;

} // namespace

PostgresConnection::PostgresConnection(PostgresService service, OrdersView view, TimeLimit limit,
                                       Reporter& reporter, OpenSession open)
    : m_service(std::move(service)), m_view(std::make_shared<const OrdersView>(std::move(view))),
      m_limit(limit), m_reporter(reporter), m_open(std::move(open)) {}

std::optional<CommitEnd> PostgresConnection::send_commit(const Tick& tick) {
    const Deadline deadline = m_limit.deadline();
    if (deadline.passed()) {
        roll_back();
        return CommitEnd{CommitOutcome::server_lost,
                         failure(ErrorKind::store_failed,
                                 "timed out before COMMIT was sent, and nothing was written; use a "
                                 "longer --timeout")};
    }
    m_is_in_transaction = false;
    const auto session = std::exchange(m_session, nullptr);
    try {
        const bool is_committed = run_cancellable([session] { return session->commit(); },
                                                  {.deadline = deadline,
                                                   .signals = Signals::wait,
                                                   .tick_interval = k_renewal_interval,
                                                   .tick = tick,
                                                   .end = [session] { session->end(); }});
        if (!is_committed) {
            return CommitEnd{CommitOutcome::rolled_back,
                             failure(ErrorKind::store_failed,
                                     "it answered COMMIT with ROLLBACK, and nothing was written")};
        }
        m_session = session;
        return CommitEnd{CommitOutcome::committed, std::nullopt};
    } catch (const SessionFailure& failed) {
        return session->is_open() ? std::optional(CommitEnd{CommitOutcome::rolled_back,
                                                            error_of(failed, *session)})
                                  : std::nullopt;
    }
}

void PostgresConnection::roll_back() noexcept {
    if (!std::exchange(m_is_in_transaction, false)) {
        return;
    }
    try {
        if (const auto session = std::exchange(m_session, nullptr)) {
            run_cancellable([session] { session->roll_back(); },
                            {.deadline = Deadline::in(k_rollback_timeout),
                             .signals = Signals::wait,
                             .end = [session] { session->end(); }});
            m_session = session;
        }
    } catch (...) {
        return;
    }
}

Error PostgresConnection::failure(ErrorKind kind, const std::string& what) const {
    return {kind, fmt::format("PostgreSQL{}{}: {}", m_peer, name_database(), what)};
}

std::shared_ptr<PostgresSession> PostgresConnection::connected(const Tick& tick, Signals signals) {
    if (m_session && !m_is_in_transaction && m_session->has_unread()) {
        m_session.reset(); // ended by the server while nothing was asked of it
    }
    if (m_session) {
        return m_session;
    }
    m_reporter.note([&] { return fmt::format("Connecting to PostgreSQL{}", name_database()); });
    try {
        m_session = open(tick, signals);
        m_session->view = m_view;
        m_peer = " at " + m_session->peer();
        return m_session;
    } catch (const TimedOut&) {
        throw cannot_connect("no answer within --timeout");
    } catch (const BadSetting& refused) {
        throw usage_error(
            fmt::format("PG_SERVICE_URI, or a variable or file of libpq's: {}", refused.what()));
    } catch (const NoConnection& failed) {
        if (failed.refuses_login()) {
            throw LoginRefused(cannot_connect(failed.what()).what());
        }
        throw cannot_connect(failed.what());
    } catch (const std::runtime_error& error) {
        throw cannot_connect(error.what());
    }
}

std::shared_ptr<PostgresSession> PostgresConnection::open(const Tick& tick, Signals signals) const {
    const Deadline deadline = m_limit.deadline();
    std::stop_source stop;
    return run_cancellable(
        [open = m_open, to = m_service.connection_string, deadline, token = stop.get_token()] {
            return std::shared_ptr<PostgresSession>(open(to, deadline, token));
        },
        {.deadline = deadline.later_by(k_grace), // for it tells which host did not answer
         .signals = signals,
         .tick_interval = k_renewal_interval,
         .tick = tick,
         .end = [&stop] { stop.request_stop(); }});
}

void PostgresConnection::rethrow_as_error(const PostgresSession& session) const {
    try {
        throw;
    } catch (const TimedOut&) {
        throw failure(ErrorKind::store_failed, "no answer within --timeout");
    } catch (const UnexpectedReply& reply) {
        throw failure(ErrorKind::store_failed,
                      fmt::format("unexpected result: {}; is it PostgreSQL?", reply.what()));
    } catch (const WrongView& wrong) {
        throw failure(ErrorKind::usage, wrong.what());
    } catch (const SessionFailure& failed) {
        throw error_of(failed, session);
    }
}

Error PostgresConnection::error_of(const SessionFailure& failed,
                                   const PostgresSession& session) const {
    const auto [kind, reason] = judge(failed, *m_view);
    const bool is_lost = kind == ErrorKind::store_failed && !session.is_open();
    return failure(kind, is_lost ? "lost the connection: " + reason : reason);
}

Error PostgresConnection::cannot_connect(const std::string& reason) const {
    return {ErrorKind::store_failed,
            fmt::format("cannot connect to PostgreSQL{}: {}", name_database(), reason)};
}

std::string PostgresConnection::name_database() const {
    return m_service.database.empty() ? "" : fmt::format(", database {}", m_service.database);
}

} // namespace ordercache
