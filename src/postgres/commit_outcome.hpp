#pragma once

#include "base/order.hpp"

#include <optional>
#include <string>

namespace ordercache {

class PostgresConnection;

/// What tells a transaction's outcome when its COMMIT was not answered.
struct Written {
    std::string transaction;      ///< Its xid8.
    std::optional<OrderId> order; ///< One that it wrote.
};

/// Commits what the connection's transaction wrote. Where the connection breaks, asks on another
/// one what became of it, for as long as the user's limit allows, and without a limit until a few
/// seconds after the first signal. Throws Error (look_first) where that cannot be learnt; any other
/// Error means that nothing was written.
void commit(PostgresConnection& connection, const Written& written);

} // namespace ordercache
