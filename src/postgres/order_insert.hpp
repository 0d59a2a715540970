#pragma once

#include "base/order.hpp"
#include "postgres/commit_outcome.hpp"
#include "postgres/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// The columns of `orders` that the program writes.
inline constexpr auto k_order_columns = "orderdate, customerid, netamount, tax, totalamount";

/// Makes PostgreSQL run the checks that it defers until the commit.
inline constexpr auto k_check_now = "SET CONSTRAINTS ALL IMMEDIATE";

/// What was stored of a piece of a file. An order without a customer changes only the total.
struct InsertedPiece {
    std::int64_t stored = 0;
    std::vector<CustomerId> customers = {};
};

/// Returns the statement that inserts a piece of a file.
std::string insert_piece_sql(PostgresSession& session);

InsertedPiece insert_piece(PostgresSession& session, const std::string& sql,
                           const std::vector<Order>& orders);

/// The last order, as PostgreSQL stored it.
struct InsertedOrder {
    PendingWrite write;
    std::optional<CustomerId> customer;
    bool changes_more = false; ///< The transaction may change the counts of other customers.
};

/// Inserts an order and takes the writer's lock: on its customer and the total if it is the only
/// one, or a batch's. Returns nullopt if PostgreSQL skipped the order.
std::optional<InsertedOrder> insert_last(PostgresSession& session, const Order& order,
                                         bool is_only);

} // namespace ordercache
