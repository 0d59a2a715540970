#pragma once

#include "base/waiting.hpp"
#include "postgres/orders_view.hpp"
#include "postgres/rows.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

namespace ordercache {

/// PostgreSQL or the connection to it failed. what() is the message of the server or libpq, which
/// may have several lines.
class SessionFailure : public std::runtime_error {
public:
    SessionFailure(const std::string& what, std::string sqlstate)
        : std::runtime_error(what), m_sqlstate(std::move(sqlstate)) {}

    /// Empty if the server gave no reason.
    const std::string& sqlstate() const { return m_sqlstate; }

private:
    std::string m_sqlstate;
};

/// No connection could be made. what() tells the user why, in one line.
class NoConnection : public std::runtime_error {
public:
    NoConnection(const std::string& what, bool refuses_login)
        : std::runtime_error(what), m_refuses_login(refuses_login) {}

    /// Whether the server refused the user, the password or the database.
    bool refuses_login() const { return m_refuses_login; }

private:
    bool m_refuses_login;
};

/// libpq refuses the value of a connection parameter, from PG_SERVICE_URI or from a variable or
/// file of libpq's. The message does not contain the value.
class BadSetting : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// One conversation with PostgreSQL. Every function blocks, and throws SessionFailure.
class PostgresSession {
public:
    virtual ~PostgresSession() = default;

    /// Runs one statement, in autocommit unless a BEGIN came before. Without parameters, `sql` may
    /// hold several statements, which run as one transaction.
    virtual Rows run(const std::string& sql, const std::vector<std::string>& parameters) = 0;
    Rows run(const std::string& sql) { return run(sql, {}); }

    /// Sends COMMIT. Returns false if the server says that it rolled back instead.
    virtual bool commit() = 0;

    void roll_back() { run("ROLLBACK"); }

    /// Asks the server to end another thread's statement. Returns within a second.
    virtual void cancel() = 0;

    /// Ends the connection, and with it another thread's statement.
    virtual void end() = 0;

    /// The server connected to, as in `db.example:5432`.
    virtual std::string peer() const = 0;

    virtual bool is_open() const = 0;

    /// Whether unread data has arrived, usually because the server ended the session. Call it only
    /// while no statement runs.
    virtual bool has_unread() const = 0;

    /// The id of the server's process, as the server gave it at the start. A pooler invents one.
    virtual std::int64_t server_process() const = 0;

    /// What its statements are written from, and whether that was checked; the connection sets
    /// both.
    std::shared_ptr<const OrdersView> view = {};
    bool has_checked_view = false;

    /// Whether the role may ask for the known total; nullopt if the store has not looked.
    std::optional<bool> may_ask_total = {};

    /// The id of the process that answers now. Behind a pooler it may differ each time.
    std::int64_t answering_process();
};

/// Opens a session as `connect` does. Throws std::runtime_error if libpq is not installed.
std::unique_ptr<PostgresSession> open_session(const std::string& connection_string,
                                              Deadline deadline, const std::stop_token& stop);

using OpenSession = std::function<std::unique_ptr<PostgresSession>(const std::string&, Deadline,
                                                                   const std::stop_token&)>;

} // namespace ordercache
