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

/// The orders of the file before the last one.
enum class Others { none, uncounted, counted };

/// Inserts an order. Takes the writer's lock if an order counts: on its customer and the total if
/// it is the only order, and otherwise a batch's. Returns nullopt if PostgreSQL skipped the order.
std::optional<InsertedOrder> insert_last(PostgresSession& session, const OrdersView& view,
                                         const Order& order, Others others);

} // namespace ordercache
