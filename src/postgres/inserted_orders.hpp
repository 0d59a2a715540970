#pragma once

#include "base/error.hpp"
#include "base/order.hpp"
#include "cache_aside/order_store.hpp"
#include "postgres/connection.hpp"
#include "postgres/order_insert.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace ordercache {

/// What updates the cache when orders are written: the writer, or a follower, which the triggers
/// tell of the orders.
enum class CacheUpdate { by_writer, by_follower };

/// Orders that are inserted in one transaction. Throws Error (rejected) if PostgreSQL does not take
/// an order.
class InsertedOrders : public PendingOrders {
public:
    /// Begins the transaction. `connection` must outlive this object.
    InsertedOrders(PostgresConnection& connection, CacheUpdate update);

    /// Inserts the orders, except the last one, which waits for the next call or finish().
    void add(std::vector<Order> orders);

    /// Inserts the last order and takes the writer's lock on the keys that change. Must be called
    /// once, after add() and before everything below.
    void finish();

    /// Makes PostgreSQL run the checks that it defers until the commit.
    void check();

    /// The last order's number, and its customer as PostgreSQL stored it. id() throws Error
    /// (rejected) if one of the two is not known.
    const OrderId& id() const;
    const CustomerId& customer() const { return *m_inserted.stored.customer; }

    /// The number of orders, whether they count or not.
    std::int64_t size() const { return m_size; }

    WriteId write_id() const override { return m_inserted.id; }
    std::int64_t counted() const override { return m_counted; }
    std::optional<std::vector<Scope>> changed_customers() const override;
    CommitEnd commit() override;

private:
    void insert_piece(std::vector<Order> orders);
    void check_stored() const;
    void note(const StoredOrder& order);
    Error refusal(const std::string& what) const;

    PostgresConnection& m_connection;
    Transaction m_transaction;
    bool m_must_note = false; ///< The triggers skip the orders.
    std::string m_insert;     ///< The statement for a piece; empty before the first one.
    std::optional<Order> m_last;
    std::int64_t m_size = 0;
    std::int64_t m_stored = 0;
    std::int64_t m_counted = 0;
    std::unordered_set<std::string> m_customers; ///< Of orders that count.
    InsertedOrder m_inserted;                    ///< After finish().
};

} // namespace ordercache
