#pragma once

#include "base/order.hpp"
#include "postgres/commit_outcome.hpp"
#include "postgres/orders_view.hpp"
#include "postgres/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// Makes PostgreSQL run the checks that it defers until the commit.
inline constexpr auto k_check_now = "SET CONSTRAINTS ALL IMMEDIATE";

/// What was stored of a piece of a file. An order without a customer changes only the total.
struct InsertedPiece {
    std::int64_t stored = 0;
    std::int64_t counted = 0; ///< Those that the view takes for orders; the customers are theirs.
    std::vector<CustomerId> customers = {};
};

/// Begins a transaction that inserts orders. If `is_handled`, says that it keeps the cache true by
/// itself, and returns whether it must note its orders by itself too: the view's triggers skip it.
bool begin_orders(PostgresSession& session, const OrdersView& view, bool is_handled);

/// Returns the statement that inserts a piece of a file.
std::string insert_piece_sql(PostgresSession& session, const OrdersView& view);

InsertedPiece insert_piece(PostgresSession& session, const OrdersView& view, const std::string& sql,
                           const std::vector<Order>& orders);

/// The last order, as PostgreSQL stored it.
struct InsertedOrder {
    PendingWrite write;
    std::optional<CustomerId> customer;
    bool counts = true;        ///< The view takes it for an order.
    bool changes_more = false; ///< The transaction may change the counts of other customers.
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
std::optional<InsertedOrder> insert_last(PostgresSession& session, const OrdersView& view,
                                         const Order& order, const Others& others);

} // namespace ordercache
