#pragma once

#include "cache_aside.hpp"
#include "order.hpp"
#include "postgres_uri.hpp"
#include "waiting.hpp"

#include <memory>
#include <vector>

namespace ordercache {

class PostgresConnection;

/// An order that is inserted and not yet committed.
class PendingOrder : public PendingOrders {
public:
    /// The order's number, and the customer that was really stored: a trigger may have changed it.
    virtual OrderId id() const = 0;
    virtual CustomerId customer() const = 0;

    /// Has PostgreSQL make the checks that it puts off until the commit.
    virtual void check() = 0;
};

/// The orders in PostgreSQL. Connects when it is first asked. A failure throws Error
/// (store_failed), which names the server and the database; an order that PostgreSQL rejects
/// throws Error (no). Nothing is written then.
class PostgresStore : public OrderStore {
public:
    PostgresStore(PostgresService service, TimeLimit limit, Journal& journal);
    ~PostgresStore() override;

    std::vector<Scope> written_now(const std::vector<Scope>& scopes, const Tick& tick) override;
    Counts count(const std::vector<Scope>& scopes, const Tick& tick) override;

    /// Inserts the order, and holds the writer's lock on the keys that it changes.
    std::unique_ptr<PendingOrder> insert(const Order& order);

private:
    std::shared_ptr<PostgresConnection> m_connection;
};

} // namespace ordercache
