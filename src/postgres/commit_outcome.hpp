#pragma once

#include "cache_aside/order_store.hpp"

#include <string>

namespace ordercache {

class PostgresConnection;
class PostgresSession;

/// What the column `status` of `sql`, asked for the transaction's xid8, says of it in the words of
/// pg_xact_status(). In progress is also what a server says that cannot know yet; unknown, whose
/// status is NULL, is a transaction so old that PostgreSQL has forgotten it.
TransactionStatus transaction_status(PostgresSession& session, const std::string& sql,
                                     TransactionId transaction);

/// Whether the order, whose number must be known, is there as that transaction wrote it, as far as
/// its row tells. After a crash or a failover another one may bear its number, and another
/// transaction its id.
bool is_visible(PostgresSession& session, const WriteId& write);

/// Commits what the connection's transaction wrote. Where the connection breaks, asks on another
/// one what became of it, for as long as the user's limit allows, and without a limit until a few
/// seconds after the first signal. Throws Error (look_first) where that cannot be learnt; any other
/// Error means that nothing was written.
void commit(PostgresConnection& connection, const WriteId& write);

} // namespace ordercache
