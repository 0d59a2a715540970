#pragma once

#include "cache_aside/order_store.hpp"

#include <string>

namespace ordercache {

class PostgresConnection;
class PostgresSession;
struct OrdersView;

/// What a transaction wrote and is about to commit.
struct PendingWrite {
    WriteId id;
    std::string content = {};   ///< The order's values, as RETURNING gave them.
    bool may_be_remote = false; ///< A foreign server may commit a part of it.
};

/// Returns what became of a transaction. After a crash or a failover PostgreSQL may reuse a
/// transaction's id and an order's number, so neither proves a commit. `committed` means that the
/// order's row is there with the transaction's id, and with `content` unless that is empty.
/// `unknown` means that the id is committed and the row is not there.
TransactionStatus status_of(PostgresSession& session, const OrdersView& view, const WriteId& write,
                            const std::string& content = "");

/// Commits what the connection's transaction wrote. If the connection breaks, asks on another one
/// what became of it until the user's limit, or, without a limit, until a few seconds after the
/// first signal.
CommitEnd commit_and_learn_outcome(PostgresConnection& connection, const PendingWrite& write);

/// Returns whether a COMMIT may have been sent. From then on, after an unforeseen failure it is in
/// doubt whether anything was written.
bool commit_was_sent();

} // namespace ordercache
