#pragma once

#include "base/error.hpp"
#include "base/waiting.hpp"
#include "cache_aside/cache_aside.hpp"
#include "postgres/uri.hpp"

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ordercache {

using Row = std::vector<std::string>; ///< A NULL is an empty string.
using Rows = std::vector<Row>;

/// What is copied: as many columns as an order has, for libpqxx wants to know at compile time.
template <typename Column>
using CopyRow = std::array<Column, 5>;
using CopyRows = std::vector<CopyRow<std::string>>;

/// One conversation with PostgreSQL, for the thread that speaks. Its functions throw what only
/// PostgresConnection understands.
class PostgresSession {
public:
    explicit PostgresSession(const std::string& connection_string);
    ~PostgresSession();

    /// Runs one statement by itself: in autocommit, unless a BEGIN came before. Without parameters
    /// it may be several, as one transaction.
    Rows run(const std::string& sql, const std::vector<std::string>& parameters = {});

    /// Begins a COPY of rows into the columns of a table, which lasts until end_copy(). What the
    /// server has against a row shows in one of the calls that follow.
    void begin_copy(const std::string& table, const CopyRow<std::string>& columns);
    void copy(const CopyRows& rows);
    void end_copy();

    /// Undoes what is not committed. A COPY that has not ended takes the connection along.
    void roll_back();

    /// Asks the server to end what it does for another thread's statement.
    void cancel();

    bool is_open() const;

private:
    struct Driver;
    std::unique_ptr<Driver> m_driver;
};

/// How a COMMIT ended that was not refused.
enum class CommitEnd { answered, connection_lost, timed_out };

/// The connection to one service. Made when it is first needed, and again when it was lost. Every
/// wait is bounded; every failure throws Error (store_failed), which names the server and the
/// database, or Error (no) where PostgreSQL judged an order and rejected it.
class PostgresConnection {
public:
    using Tick = OrderStore::Tick;

    PostgresConnection(PostgresService service, TimeLimit limit, Reporter& reporter);

    /// Has `act`, which must own all that it uses, speak with the server in a run_cancellable
    /// thread, and gives what it gives. At the user's limit the statement is cancelled on the
    /// server too.
    template <typename Act>
    auto ask(Act act, const Tick& tick = {}, Signals signals = Signals::interrupt) {
        const auto session = connected(tick, signals);
        try {
            return run_cancellable([session, act] { return act(*session); },
                                   {.deadline = m_limit.deadline(),
                                    .signals = signals,
                                    .tick_interval = k_renewal_interval,
                                    .tick = tick,
                                    .cancel = cancellation(session)});
        } catch (...) {
            explain_failure();
        }
    }

    /// Commits. Signals wait, and nothing cancels it: that would not undo it.
    CommitEnd commit();

    /// Undoes what is not committed; a server that cannot be told undoes it by itself.
    void roll_back() noexcept;

    /// Until when a wait that begins now may last.
    Deadline deadline() const { return m_limit.deadline(); }

    /// An Error whose message begins with the server's name.
    Error failure(ExitStatus status, const std::string& what) const;

private:
    std::shared_ptr<PostgresSession> connected(const Tick& tick, Signals signals);
    std::function<void()> cancellation(std::shared_ptr<PostgresSession> session) const;
    [[noreturn]] void explain_failure();
    Error cannot_connect(const std::string& reason) const;
    std::string name() const;

    PostgresService m_service;
    TimeLimit m_limit;
    Reporter& m_reporter;
    std::shared_ptr<PostgresSession> m_session;
};

} // namespace ordercache
