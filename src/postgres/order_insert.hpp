#pragma once

#include "base/order.hpp"
#include "cache_aside/order_store.hpp"
#include "postgres/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// Makes PostgreSQL run the checks that it defers until the commit.
inline constexpr auto k_check_now = "SET CONSTRAINTS ALL IMMEDIATE";

/// Begins a transaction that inserts orders. If `is_handled`, says that it keeps the cache true by
/// itself, and returns whether it must note its orders by itself too: the view's triggers skip it.
bool begin_orders(PostgresSession& session, bool is_handled);

/// Returns the statement that inserts a piece of a file.
std::string insert_piece_sql(PostgresSession& session);

/// An order that was inserted.
struct StoredOrder {
    bool counts = true; ///< The view takes it for an order.
    std::optional<CustomerId> customer = {};
};

/// Inserts a piece of a file by that statement. Returns the orders that PostgreSQL stored.
std::vector<StoredOrder> insert_piece(PostgresSession& session, const std::string& sql,
                                      const std::vector<Order>& orders);

/// The last order of a transaction.
struct InsertedOrder {
    WriteId id;
    std::string content = {};   ///< Its values, as RETURNING gave them.
    bool may_be_remote = false; ///< A foreign server may commit a part of the transaction.
    bool changes_more = false;  ///< The transaction may change the counts of other customers.
    StoredOrder stored = {};
};

/// What was inserted before the last order.
struct Others {
    bool are_there = false;
    std::int64_t counted = 0;
    bool must_be_noted = false; ///< As begin_orders() returned.
};

/// Inserts an order. Takes the writer's lock if an order counts: on its customer and the total if
/// it is the only order, and otherwise a batch's. Notes the orders if they must be noted. Returns
/// nullopt if PostgreSQL skipped the order.
std::optional<InsertedOrder> insert_last(PostgresSession& session, const Order& order,
                                         const Others& others);

} // namespace ordercache
