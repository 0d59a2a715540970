#pragma once

#include "postgres/rows.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace ordercache {

/// What is copied: as many columns as an order has, for libpqxx wants to know at compile time.
template <typename Column>
using CopyRow = std::array<Column, 5>;
using CopyRows = std::vector<CopyRow<std::string>>;

/// PostgreSQL or the way to it failed; what() is what libpq says of it, in several lines.
class SessionFailure : public std::runtime_error {
public:
    SessionFailure(const std::string& what, std::string sqlstate)
        : std::runtime_error(what), m_sqlstate(std::move(sqlstate)) {}

    /// Empty where no statement failed, but the connection did.
    const std::string& sqlstate() const { return m_sqlstate; }

private:
    std::string m_sqlstate;
};

/// One conversation with PostgreSQL. Every function blocks, and throws SessionFailure.
class PostgresSession {
public:
    virtual ~PostgresSession() = default;

    /// Runs one statement by itself: in autocommit, unless a BEGIN came before. Without parameters
    /// it may be several, as one transaction.
    virtual Rows run(const std::string& sql, const std::vector<std::string>& parameters) = 0;
    Rows run(const std::string& sql) { return run(sql, {}); }

    /// Begins a COPY of rows into the columns of a table, which lasts until end_copy(). What the
    /// server has against a row shows in one of the calls that follow.
    virtual void begin_copy(const std::string& table, const CopyRow<std::string>& columns) = 0;
    virtual void copy(const CopyRows& rows) = 0;
    virtual void end_copy() = 0;

    /// Undoes what is not committed. A COPY that has not ended takes the connection along.
    virtual void roll_back() = 0;

    /// Asks the server to end what it does for another thread's statement.
    virtual void cancel() = 0;

    virtual bool is_open() const = 0;

    /// Whether something arrived unasked since the last answer: from a server that ended the
    /// session, most often. Of no use while a statement runs.
    virtual bool has_unread() const = 0;

    /// The number of the server's process, as the server said at the start. A pooler makes one up.
    virtual std::int64_t server_process() const = 0;

    /// The number of the process that answers now. Behind a pooler it may be another one each time.
    std::int64_t answering_process();
};

/// Opens a session by libpq's connection string, the host's name and the password in it. Throws
/// SessionFailure, and std::runtime_error where libpq is not installed.
std::unique_ptr<PostgresSession> open_session(const std::string& connection_string);

using OpenSession = std::function<std::unique_ptr<PostgresSession>(const std::string&)>;

} // namespace ordercache
