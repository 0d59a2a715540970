#include "postgres/connection.hpp"

#include "base/lazy_library.hpp"

#include <fmt/format.h>
#include <pqxx/pqxx>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_connect_timeout = 5s;
constexpr std::chrono::milliseconds k_rollback_timeout = 1s;

std::string without_severity(std::string_view line) {
    for (const std::string_view severity : {"ERROR:", "FATAL:"}) {
        if (line.starts_with(severity)) {
            line.remove_prefix(std::min(line.find_first_not_of(' ', severity.size()), line.size()));
        }
    }
    return std::string(line);
}

std::string first_line(std::string_view text) {
    return without_severity(text.substr(0, text.find('\n')));
}

/// libpq says a line for each address that it tried, and gives advice in lines that begin with a
/// tab. What is wanted of a line is what follows the address.
std::string connection_failure(std::string_view what) {
    constexpr std::string_view failed = " failed: ";
    std::string reasons;
    while (!what.empty()) {
        std::string_view line = what.substr(0, what.find('\n'));
        what.remove_prefix(std::min(line.size() + 1, what.size()));
        if (line.empty() || line.front() == '\t') {
            continue;
        }
        if (const auto at = line.find(failed); at != std::string_view::npos) {
            line.remove_prefix(at + failed.size());
        }
        const std::string reason = without_severity(line);
        if (reasons.find(reason) == std::string::npos) {
            reasons += (reasons.empty() ? "" : "; ") + reason;
        }
    }
    return reasons;
}

/// A database or a table that is missing here may be in another database.
std::string with_advice(const std::string& reason) {
    const bool is_missing = reason.ends_with("does not exist") &&
                            (reason.starts_with("database") || reason.starts_with("relation"));
    return is_missing ? reason + "; set PG_DATABASE to use another database" : reason;
}

/// Whether the SQLSTATE says that PostgreSQL judged the order and found it wanting: bad data, a
/// constraint, a view's check, a trigger's exception.
bool rejects_the_order(std::string_view sqlstate) {
    constexpr std::array<std::string_view, 4> classes = {"22", "23", "44", "P0"};
    return std::ranges::find(classes, sqlstate.substr(0, 2)) != classes.end();
}

/// A foreign key's message names a table and a constraint; the user thinks of a customer.
std::string reason_of_rejection(std::string_view what) {
    constexpr std::string_view missing = "Key (customerid)=(";
    const auto at = what.find(missing);
    if (at == std::string_view::npos) {
        return first_line(what);
    }
    const auto customer = what.substr(at + missing.size());
    return fmt::format("customer {} does not exist", customer.substr(0, customer.find(')')));
}

/// Asking for GSS encryption costs a failed attempt wherever there is no Kerberos: a user who has
/// it says so in PGGSSENCMODE or in the URI.
void set_libpq_defaults() {
    constexpr int keep = 0;
    setenv("PGGSSENCMODE", "disable", keep);
    setenv("PGAPPNAME", "ordercache", keep);
}

/// A notice is not an error, and stderr is for those.
#if PQXX_VERSION_MAJOR < 7
using Silence = pqxx::quiet_errorhandler;
#else
struct Silence {
    explicit Silence(pqxx::connection& connection) {
        connection.set_notice_handler([](pqxx::zview) {});
    }
};
#endif

} // namespace

struct PostgresSession::Driver {
    explicit Driver(const std::string& connection_string)
        : connection(connection_string), silence(connection), statements(connection) {}
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    /// A stream that is destroyed completes its COPY, and waits for the server's checks of rows
    /// that nobody wants any more. Without a connection it cannot.
    ~Driver() {
        if (copy) {
#if PQXX_VERSION_MAJOR < 7
            connection.disconnect();
#else
            connection.close();
#endif
        }
    }

    pqxx::connection connection;
    Silence silence;
    pqxx::nontransaction statements;
    std::unique_ptr<pqxx::stream_to> copy;
};

PostgresSession::PostgresSession(const std::string& connection_string)
    : m_driver(std::make_unique<Driver>(connection_string)) {}

PostgresSession::~PostgresSession() = default;

Rows PostgresSession::run(const std::string& sql, const std::vector<std::string>& parameters) {
    pqxx::result result;
    if (parameters.empty()) {
        result = m_driver->statements.exec(sql);
    } else {
#if PQXX_VERSION_MAJOR < 7
        result =
            m_driver->statements.exec_params(sql, pqxx::prepare::make_dynamic_params(parameters));
#else
        pqxx::params params;
        params.append_multi(parameters);
        result = m_driver->statements.exec(sql, params);
#endif
    }
    Rows rows;
    for (const auto& tuple : result) {
        Row& row = rows.emplace_back();
        for (const auto& field : tuple) {
            row.emplace_back(field.c_str());
        }
    }
    return rows;
}

void PostgresSession::begin_copy(const std::string& table, const CopyRow<std::string>& columns) {
    auto& statements = m_driver->statements;
#if PQXX_VERSION_MAJOR < 7
    m_driver->copy = std::make_unique<pqxx::stream_to>(statements, table, columns);
#else
    m_driver->copy.reset(new pqxx::stream_to(
        pqxx::stream_to::raw_table(statements, table, fmt::format("{}", fmt::join(columns, ",")))));
#endif
}

void PostgresSession::copy(const CopyRows& rows) {
    for (const auto& row : rows) {
        *m_driver->copy << row;
    }
}

void PostgresSession::end_copy() {
    m_driver->copy->complete();
    m_driver->copy.reset();
}

void PostgresSession::roll_back() {
    if (m_driver->copy) {
        m_driver.reset();
    } else {
        run("ROLLBACK");
    }
}

void PostgresSession::cancel() {
    m_driver->connection.cancel_query();
}

bool PostgresSession::is_open() const {
    return m_driver->connection.is_open();
}

PostgresConnection::PostgresConnection(PostgresService service, TimeLimit limit, Reporter& reporter)
    : m_service(std::move(service)), m_limit(limit), m_reporter(reporter) {}

CommitEnd PostgresConnection::commit() {
    try {
        run_cancellable([session = m_session] { session->run("COMMIT"); },
                        {.deadline = m_limit.deadline(), .signals = Signals::wait});
        return CommitEnd::answered;
    } catch (const TimedOut&) {
        m_session.reset();
        return CommitEnd::timed_out;
    } catch (const pqxx::failure&) {
        if (m_session->is_open()) {
            explain_failure();
        }
        m_session.reset();
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
            [to = m_service.connection_string] {
                open_library(libpq);
                return std::make_shared<PostgresSession>(to);
            },
            {.deadline = m_limit.deadline().or_in(k_connect_timeout),
             .signals = signals,
             .tick_interval = k_renewal_interval,
             .tick = tick});
        return m_session;
    } catch (const TimedOut&) {
        throw cannot_connect("no answer in time");
    } catch (const pqxx::failure& error) {
        throw cannot_connect(connection_failure(error.what()));
    } catch (const std::runtime_error& error) {
        throw cannot_connect(error.what());
    }
}

std::function<void()>
PostgresConnection::cancellation(std::shared_ptr<PostgresSession> session) const {
    return [session = std::move(session)] {
        try {
            session->cancel();
        } catch (const pqxx::failure&) {
            return; // the wait for the call's end is bounded
        }
    };
}

/// Turns what is being thrown into an Error; lets an interrupt pass. The session is of no more use:
/// its transaction is aborted, or its thread abandoned.
void PostgresConnection::explain_failure() {
    m_session.reset();
    try {
        throw;
    } catch (const TimedOut&) {
        throw failure(ExitStatus::store_failed, "no answer within --timeout");
    } catch (const pqxx::sql_error& error) {
        if (rejects_the_order(error.sqlstate())) {
            throw failure(ExitStatus::no, "rejected: " + reason_of_rejection(error.what()));
        }
        throw failure(ExitStatus::store_failed, with_advice(first_line(error.what())));
    } catch (const pqxx::broken_connection& error) {
        throw failure(ExitStatus::store_failed, "lost the connection: " + first_line(error.what()));
    } catch (const pqxx::failure& error) {
        throw failure(ExitStatus::store_failed, first_line(error.what()));
    }
}

Error PostgresConnection::cannot_connect(const std::string& reason) const {
    return {ExitStatus::store_failed,
            fmt::format("cannot connect to PostgreSQL at {}: {}", name(), with_advice(reason))};
}

std::string PostgresConnection::name() const {
    return fmt::format("{}, {}", m_service.peer,
                       m_service.database.empty() ? "the user's own database"
                                                  : "database " + m_service.database);
}

} // namespace ordercache
