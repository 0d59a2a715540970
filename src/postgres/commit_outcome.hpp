#pragma once

#include "cache_aside/order_store.hpp"

#include <string>

namespace ordercache {

class PostgresConnection;
class PostgresSession;
struct InsertedOrder;

/// Returns what became of a transaction. After a crash or a failover PostgreSQL may reuse a
/// transaction's id and an order's number, so neither proves a commit. `committed` means that the
/// order's row is there with the transaction's id, and with `content` unless that is empty.
/// `unknown` means that the id is committed and the row is not there.
TransactionStatus status_of(PostgresSession& session, const WriteId& write,
                            const std::string& content = "");

/// Commits the connection's transaction, of which `last` is the last order. If the connection
/// breaks, asks on another one what became of it until the user's limit, or, without a limit, until
/// a few seconds after the first signal.
CommitEnd commit_and_learn_outcome(PostgresConnection& connection, const InsertedOrder& last);

/// Returns whether a COMMIT may have been sent. From then on, after an unforeseen failure it is in
/// doubt whether anything was written.
bool commit_was_sent();

} // namespace ordercache
