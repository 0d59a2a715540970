#pragma once

#include "base/error.hpp"
#include "base/reporter.hpp"
#include "base/waiting.hpp"
#include "cache_aside/count_cache.hpp"
#include "cache_aside/order_store.hpp"
#include "postgres/orders_view.hpp"
#include "postgres/session.hpp"
#include "postgres/uri.hpp"
#include "postgres/view_check.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace ordercache {

/// The connection to one service. It is made when it is first needed, and again after it was lost.
/// Every failure throws an Error that names the server and the database: `rejected` if PostgreSQL
/// rejected an order, `usage` if a retry cannot help, and otherwise `store_failed`.
class PostgresConnection {
public:
    using Tick = OrderStore::Tick;

    /// `reporter` must outlive this object. Tests pass another `open`.
    PostgresConnection(PostgresService service, OrdersView view, TimeLimit limit,
                       Reporter& reporter, OpenSession open = open_session);

    /// Returns another connection to the same service, which is not made yet.
    PostgresConnection another(TimeLimit limit) const {
        return {m_service, *m_view, limit, m_reporter, m_open};
    }

    /// The database in use; empty for libpq's default.
    const std::string& database() const { return m_service.database; }

    /// What the statements are written from.
    const OrdersView& view() const { return *m_view; }

    /// Runs `act` by run_cancellable() and returns its result. `act` must own all that it uses. A
    /// new session checks the view first. At the user's limit the statement is cancelled on the
    /// server too. A tick may throw TimedOut as well. A session that failed is not used again.
    template <typename Act>
    auto ask(Act act, const Tick& tick = {}, Signals signals = Signals::interrupt,
             std::chrono::milliseconds tick_interval = k_renewal_interval) {
        const auto session = connected(tick, signals);
        try {
            return run_cancellable(
                [session, act] {
                    if (!std::exchange(session->has_checked_view, true)) {
                        check_view(*session);
                    }
                    return act(*session);
                },
                {.deadline = deadline(),
                 .signals = signals,
                 .tick_interval = tick_interval,
                 .tick = tick,
                 .end = [session] {
                     session->cancel();
                     session->end();
                 }});
        } catch (...) {
            m_session.reset();
            rethrow_as_error(*session);
        }
    }

    /// Says that a transaction begins. Until send_commit() or roll_back(), a session that the
    /// server ended is not replaced, since a new one would not have the transaction: the next
    /// statement fails.
    void begin() { m_is_in_transaction = true; }

    /// Commits, or rolls back if the user's limit has passed. Signals wait, and the COMMIT is not
    /// cancelled, which would not undo it. Returns nullopt if the connection broke. Throws TimedOut
    /// if no answer came within the limit, or if the tick throws it.
    std::optional<CommitEnd> send_commit(const Tick& tick = {});

    /// Rolls back what was begun and not committed. A server that cannot be reached does so by
    /// itself.
    void roll_back() noexcept;

    /// Returns when a wait that begins now must end.
    Deadline deadline() const { return m_limit.deadline(); }

    /// An Error whose message begins with the server's name.
    Error failure(ErrorKind kind, const std::string& what) const;

private:
    std::shared_ptr<PostgresSession> connected(const Tick& tick, Signals signals);
    std::shared_ptr<PostgresSession> open(const Tick& tick, Signals signals) const;
    [[noreturn]] void rethrow_as_error(const PostgresSession& session) const;
    Error error_of(const SessionFailure& failed, const PostgresSession& session) const;
    Error cannot_connect(const std::string& reason) const;
    std::string name_database() const;

    PostgresService m_service;
    std::shared_ptr<const OrdersView> m_view;
    TimeLimit m_limit;
    Reporter& m_reporter;
    OpenSession m_open;
    std::shared_ptr<PostgresSession> m_session;
    std::string m_peer; ///< The server of the last connection, as ` at db.example:5432`.
    bool m_is_in_transaction = false;
};

/// Says that a transaction begins, and rolls back at its end what was not committed.
class Transaction {
public:
    /// `connection` must outlive this object.
    explicit Transaction(PostgresConnection& connection) : m_connection(connection) {
        m_connection.begin();
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction() { m_connection.roll_back(); }

private:
    PostgresConnection& m_connection;
};

} // namespace ordercache
