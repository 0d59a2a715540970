#pragma once

#include "base/error.hpp"
#include "cache_aside/scope.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

using Counts = std::map<Scope, std::int64_t>;

/// A transaction of PostgreSQL, by its 64-bit id.
using TransactionId = std::uint64_t;

/// What became of a transaction.
enum class TransactionStatus { committed, aborted, in_progress, unknown };

/// Names what a transaction wrote. Its id alone does not: after a crash of PostgreSQL it may be
/// another transaction's.
struct WriteId {
    TransactionId transaction = 0;
    std::optional<OrderId> order = {}; ///< One that it wrote; nullopt if its number is not known.
};

/// How a COMMIT ended. `server_lost` is a rollback too, but the server may have crashed and the
/// transaction's id be another's now. `in_doubt`: it is not known.
enum class CommitOutcome { committed, rolled_back, server_lost, in_doubt };

/// With the error for the user, unless it is committed.
struct CommitEnd {
    CommitOutcome outcome;
    std::optional<Error> error;
};

/// What a look at the locks found: who is writing, as PostgreSQL knows it.
struct Probe {
    /// For each scope that somebody writes the transactions that hold its lock: the lower 32 bits
    /// of their ids, which are all that the locks show; 0 where even those are hidden.
    std::map<Scope, std::vector<std::uint32_t>> writers = {};

    bool on_standby = false; ///< This server lags: nothing that it says may be stored.
};

/// Counts, all as of snapshots that were taken after the call began.
struct Counted {
    Counts counts = {};
    std::string snapshot = {};       ///< That of the total, as pg_current_snapshot() writes it.
    std::int64_t server_process = 0; ///< The one that counted the total: it ends in a crash.
    bool on_standby = false;         ///< A server that lags gave one of them.
};

/// The orders in PostgreSQL, as the protocol sees them. Every function throws Error when it fails.
/// One that waits calls `tick` every k_renewal_interval meanwhile, unless it is empty.
class OrderStore {
public:
    using Tick = std::function<void()>;

    virtual ~OrderStore() = default;

    /// Who writes orders of `scopes`. Looks before any count that is asked for later takes its
    /// snapshot.
    virtual Probe probe(const std::vector<Scope>& scopes, const Tick& tick) = 0;

    /// The number of orders of each scope. Each statement tells whether a standby ran it, for
    /// behind a pooler it may have been another server than the one that the probe asked.
    virtual Counted count(const std::vector<Scope>& scopes, const Tick& tick) = 0;

    /// The total, in a snapshot that is taken before `is_wanted` is called; absent where that
    /// gives false. Throws as `is_wanted` does, too.
    virtual std::optional<Counted> count_total(const std::function<bool()>& is_wanted) = 0;

    /// Whether PostgreSQL did not crash since it counted that total; false where that cannot be
    /// told.
    virtual bool has_run_since(const Counted& counted) = 0;

    /// What became of what was written: committed, once any snapshot sees it; aborted; or in
    /// progress where neither is certain. The first two are final.
    virtual TransactionStatus status_of(const WriteId& write) = 0;
};

/// Orders that are written and not yet committed: their writer's lock is held. Destroyed before
/// the commit, they are rolled back.
class PendingOrders {
public:
    virtual ~PendingOrders() = default;

    virtual WriteId write_id() const = 0;

    /// How many orders there are, as PostgreSQL says.
    virtual std::int64_t size() const = 0;

    /// The customers whose counts change; absent: anything may, and the lock is that of a batch.
    virtual std::optional<std::vector<Scope>> changed_customers() const = 0;

    /// Makes them visible.
    virtual CommitEnd commit() = 0;
};

} // namespace ordercache
