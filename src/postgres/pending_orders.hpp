#pragma once

#include "base/order.hpp"
#include "cache_aside/order_store.hpp"

#include <memory>
#include <vector>

namespace ordercache {

class PostgresConnection;

/// Orders that PostgreSQL has, and that are not committed yet.
class StoredOrders : public PendingOrders {
public:
    /// Has PostgreSQL make the checks that it puts off until the commit.
    virtual void check() = 0;
};

/// An order that is inserted, with the writer's lock on the keys that it changes.
class PendingOrder : public StoredOrders {
public:
    /// The order's number, and the customer that was really stored: a trigger may have changed it.
    virtual OrderId id() const = 0;
    virtual CustomerId customer() const = 0;
};

/// Orders that are copied in, all in one transaction.
class PendingBatch : public StoredOrders {
public:
    /// Sends more orders, 13,107 at most: a statement takes 65,535 parameters, 5 for each.
    virtual void copy(const std::vector<Order>& orders) = 0;

    /// Ends the copying, has PostgreSQL make all its checks, and takes the batch's lock, which
    /// every probe heeds. Wanted before changed_customers(), check() and commit().
    virtual void finish() = 0;
};

/// Who changes the cache when orders are written: the writer itself, or a follower, which their
/// triggers then tell of them.
enum class CacheUpdate { by_writer, by_follower };

/// Inserts the order, and holds the writer's lock on the keys that it changes. Throws Error (no)
/// where PostgreSQL does not take it.
std::unique_ptr<PendingOrder> insert_order(const std::shared_ptr<PostgresConnection>& connection,
                                           const Order& order, CacheUpdate update);

/// Begins to copy orders in.
std::unique_ptr<PendingBatch> begin_batch(const std::shared_ptr<PostgresConnection>& connection,
                                          CacheUpdate update);

} // namespace ordercache
