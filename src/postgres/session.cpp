#include "postgres/session.hpp"

#include "base/lazy_library.hpp"

#include <fmt/format.h>
#include <pqxx/pqxx>

#include <poll.h>

#include <optional>
#include <utility>

namespace ordercache {

namespace {

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

/// Where a server says why it ends a session and ends it, libpqxx takes what it said for a result,
/// asks for the encoding to read it in, and has only that question's failure to tell.
std::string reason_of(const pqxx::failure& failure) {
    const std::string what = failure.what();
    return what.starts_with("Could not obtain client encoding")
               ? "the server ended it, and its log says why"
               : what;
}

/// libpqxx 7 says before the server's words at which end of a COPY it heard them.
std::string without_prefix(const pqxx::sql_error& error) {
    constexpr std::string_view prefix = "Failure during '[END COPY]': ";
    const std::string_view what = error.what();
    return std::string(what.starts_with(prefix) ? what.substr(prefix.size()) : what);
}

/// libpqxx leaves out the SQLSTATE of the commonest of these.
std::string sqlstate_of(const pqxx::insufficient_privilege& error) {
    return error.sqlstate().empty() ? "42501" : error.sqlstate();
}

template <typename Act>
auto translating_failures(Act act) {
    try {
        return act();
    } catch (const pqxx::insufficient_privilege& error) {
        throw SessionFailure(without_prefix(error), sqlstate_of(error));
    } catch (const pqxx::sql_error& error) {
        throw SessionFailure(without_prefix(error), error.sqlstate());
    } catch (const pqxx::unexpected_rows&) {
        throw UnexpectedReply("it has rows where none were asked for");
    } catch (const pqxx::failure& error) {
        throw SessionFailure(reason_of(error), "");
    }
}

Rows rows_of(const pqxx::result& result) {
    std::vector<std::string> columns;
    for (pqxx::row::size_type i = 0; i < result.columns(); ++i) {
        columns.emplace_back(result.column_name(i));
    }
    Rows rows(std::move(columns));
    for (const auto& row : result) {
        Rows::Values values;
        for (const auto& field : row) {
            values.push_back(field.is_null() ? std::nullopt
                                             : std::optional<std::string>(field.c_str()));
        }
        rows.add(std::move(values));
    }
    return rows;
}

class PqxxSession : public PostgresSession {
public:
    explicit PqxxSession(const std::string& connection_string)
        : m_connection(connection_string), m_silence(m_connection), m_statements(m_connection) {}
    PqxxSession(const PqxxSession&) = delete;
    PqxxSession& operator=(const PqxxSession&) = delete;
    ~PqxxSession() override { abandon_copy(); }

    Rows run(const std::string& sql, const std::vector<std::string>& parameters) override {
        return translating_failures([&] { return rows_of(execute(sql, parameters)); });
    }

    void begin_copy(const std::string& table, const CopyRow<std::string>& columns) override {
        translating_failures([&] {
#if PQXX_VERSION_MAJOR < 7
            m_copy = std::make_unique<pqxx::stream_to>(m_statements, table, columns);
#else
            m_copy.reset(new pqxx::stream_to(pqxx::stream_to::raw_table(
                m_statements, table, fmt::format("{}", fmt::join(columns, ",")))));
#endif
        });
    }

    void copy(const CopyRows& rows) override {
        translating_failures([&] {
            for (const auto& row : rows) {
                *m_copy << row;
            }
        });
    }

    void end_copy() override {
        translating_failures([&] { m_copy->complete(); });
        m_copy.reset();
    }

    void roll_back() override {
        if (m_copy) {
            abandon_copy();
        } else {
            PostgresSession::run("ROLLBACK");
        }
    }

    void cancel() override {
        translating_failures([&] { m_connection.cancel_query(); });
    }

    bool is_open() const override {
        return m_connection.is_open();
    }

    bool has_unread() const override {
        pollfd polled = {m_connection.sock(), POLLIN, 0};
        return poll(&polled, 1, 0) > 0;
    }

    std::int64_t server_process() const override {
        return m_connection.backendpid();
    }

private:
    pqxx::result execute(const std::string& sql, const std::vector<std::string>& parameters) {
        if (parameters.empty()) {
            return m_statements.exec(sql);
        }
#if PQXX_VERSION_MAJOR < 7
        return m_statements.exec_params(sql, pqxx::prepare::make_dynamic_params(parameters));
#else
        pqxx::params params;
        params.append_multi(parameters);
        return m_statements.exec(sql, params);
#endif
    }

    /// A stream that is destroyed completes its COPY, and waits for the server's checks of rows
    /// that nobody wants any more. Without a connection it cannot.
    void abandon_copy() {
        if (m_copy) {
#if PQXX_VERSION_MAJOR < 7
            m_connection.disconnect();
#else
            m_connection.close();
#endif
            m_copy.reset();
        }
    }

    pqxx::connection m_connection;
    Silence m_silence;
    pqxx::nontransaction m_statements;
    std::unique_ptr<pqxx::stream_to> m_copy;
};

} // namespace

std::int64_t PostgresSession::answering_process() {
    return run("SELECT pg_backend_pid() AS pid").only().number("pid");
}

std::unique_ptr<PostgresSession> open_session(const std::string& connection_string) {
    open_library(libpq);
    return translating_failures([&] { return std::make_unique<PqxxSession>(connection_string); });
}

} // namespace ordercache
