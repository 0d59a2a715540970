#include "postgres/session.hpp"

#include "base/uri.hpp"
#include "postgres/connect.hpp"
#include "postgres/failure_text.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <pqxx/pqxx>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>
#include <utility>

namespace ordercache {

namespace {

constexpr unsigned k_seconds_to_cancel = 1;

/// Calls only what is safe after fork().
void end_this_process_in_time() {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    static_cast<void>(std::signal(SIGALRM, SIG_DFL));
    alarm(k_seconds_to_cancel);
}

#if PQXX_VERSION_MAJOR < 7
/// A connection that libpq made.
class Connection : private pqxx::connectionpolicy, public pqxx::connection_base {
public:
    explicit Connection(PGconn* connection)
        : connectionpolicy(""), connection_base(static_cast<connectionpolicy&>(*this)),
          m_connection(connection) {
        init();
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() override { close(); }

private:
    handle do_startconnect(handle connected) override {
        return connected == nullptr ? std::exchange(m_connection, nullptr) : connected;
    }

    handle m_connection;
};

Connection adopt(PGconn* connection) {
    return Connection(connection);
}

auto parameters_of(const std::vector<std::string>& values) {
    return pqxx::prepare::make_dynamic_params(values);
}
#else
using Connection = pqxx::connection;

Connection adopt(PGconn* connection) {
    return Connection::seize_raw_connection(connection);
}

pqxx::params parameters_of(const std::vector<std::string>& values) {
    pqxx::params parameters;
    parameters.append_multi(values);
    return parameters;
}
#endif

/// Before libpqxx 7.9 `exec` takes no parameters; later `exec_params` is deprecated.
template <typename Transaction, typename Parameters>
pqxx::result execute(Transaction& transaction, const std::string& sql,
                     const Parameters& parameters) {
    if constexpr (requires { transaction.exec(sql, parameters); }) {
        return transaction.exec(sql, parameters);
    } else {
        return transaction.exec_params(sql, parameters);
    }
}

Rows rows_of(const pqxx::result& result) {
    Rows rows;
    for (const auto& row : result) {
        Row::Values values;
        pqxx::row::size_type column = 0;
        for (const auto& field : row) {
            values.emplace(result.column_name(column++),
                           field.is_null() ? std::nullopt : std::optional(field.c_str()));
        }
        rows.emplace_back(std::move(values));
    }
    return rows;
}

class PqxxSession : public PostgresSession {
public:
    explicit PqxxSession(PostgresHandle handle)
        : m_handle(handle.get()), m_socket(fcntl(PQsocket(m_handle), F_DUPFD_CLOEXEC, 0)),
          m_cancel(PQgetCancel(m_handle), &PQfreeCancel), m_connection(adopt(handle.release())),
          m_statements(m_connection) {
        PQsetNoticeProcessor(
            m_handle, [](void*, const char*) {}, nullptr);
    }
    PqxxSession(const PqxxSession&) = delete;
    PqxxSession& operator=(const PqxxSession&) = delete;
    ~PqxxSession() override { close(m_socket); }

    Rows run(const std::string& sql, const std::vector<std::string>& parameters) override {
        try {
            return rows_of(parameters.empty()
                               ? m_statements.exec(sql)
                               : execute(m_statements, sql, parameters_of(parameters)));
        } catch (const pqxx::failure& error) {
            // libpq knows more than libpqxx tells: the server's last words are there too.
            const std::string_view message = PQerrorMessage(m_handle);
            throw parse_failure(message.empty() ? error.what() : message);
        }
    }

    /// libpqxx does not show the command's tag.
    bool commit() override {
        const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(m_handle, "COMMIT"),
                                                                   &PQclear);
        switch (PQresultStatus(result.get())) {
        case PGRES_COMMAND_OK:
            return std::string_view(PQcmdStatus(result.get())) == "COMMIT";
        case PGRES_FATAL_ERROR:
            throw parse_failure(PQerrorMessage(m_handle));
        default:
            throw UnexpectedReply("not a reply to COMMIT");
        }
    }

    /// PQcancel has no timeout, but it may be called after fork(). If no process can be started, it
    /// is called here: a cancel without a time limit is better than none.
    void cancel() override {
        const pid_t child = fork();
        if (child > 0) {
            waitpid(child, nullptr, 0);
            return;
        }
        if (child == 0) {
            end_this_process_in_time();
        }
        std::array<char, 256> error{};
        PQcancel(m_cancel.get(), error.data(), error.size());
        if (child == 0) {
            _exit(0);
        }
    }

    void end() override { shutdown(m_socket, SHUT_RDWR); }

    std::string peer() const override {
        const Endpoint endpoint{PQhost(m_handle), PQport(m_handle)};
        const bool is_local = endpoint.host.starts_with('/') || endpoint.host.starts_with('@');
        return is_local ? fmt::format("{}/.s.PGSQL.{}", endpoint.host, endpoint.port)
                        : to_string(endpoint);
    }

    bool is_open() const override { return m_connection.is_open(); }

    bool has_unread() const override {
        pollfd polled = {m_connection.sock(), POLLIN, 0};
        return poll(&polled, 1, 0) > 0;
    }

    std::int64_t server_process() const override { return m_connection.backendpid(); }

private:
    PGconn* m_handle; ///< m_connection owns it.
    int m_socket;     ///< A duplicate: end() never uses a descriptor that was closed.
    std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> m_cancel;
    Connection m_connection;
    pqxx::nontransaction m_statements;
};

} // namespace

std::int64_t PostgresSession::answering_process() {
    return run("SELECT pg_backend_pid() AS pid").only().number("pid");
}

std::unique_ptr<PostgresSession> open_session(const std::string& connection_string,
                                              Deadline deadline, const std::stop_token& stop) {
    return std::make_unique<PqxxSession>(connect(connection_string, deadline, stop));
}

} // namespace ordercache
