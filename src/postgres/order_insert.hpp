#pragma once

#include "base/order.hpp"
#include "postgres/commit_outcome.hpp"
#include "postgres/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// Has PostgreSQL make the checks that it defers until the commit.
inline constexpr auto k_check_now = "SET CONSTRAINTS ALL IMMEDIATE";

/// The customers of the orders that were stored. An order without one changes the total alone.
struct Piece {
    std::int64_t stored = 0;
    std::vector<CustomerId> customers = {};
};

/// Returns the statement for a piece of a file. RETURNING says which rows were stored, and for
/// whom.
std::string insert_piece_sql(PostgresSession& session);

Piece insert_piece(PostgresSession& session, const std::string& sql,
                   const std::vector<Order>& orders);

/// The last order, as PostgreSQL stored it.
struct Inserted {
    Written written;
    std::optional<CustomerId> customer;
    bool changes_more = false;
};

/// Inserts an order and takes the writer's lock: on its customer and the total if it is the only
/// one, or a batch's. Returns nullopt if PostgreSQL skipped the order.
std::optional<Inserted> insert_last(PostgresSession& session, const Order& order, bool is_only);

} // namespace ordercache
