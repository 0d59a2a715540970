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

/// A transaction of PostgreSQL, by its 64-bit id.
using TransactionId = std::uint64_t;

/// What became of a transaction.
enum class TransactionStatus { committed, aborted, in_progress, unknown };

/// Identifies what a transaction wrote. The transaction's id is not enough: after a crash,
/// PostgreSQL may give it to another transaction.
struct WriteId {
    TransactionId transaction = 0;
    std::optional<OrderId> order = {}; ///< An order that it wrote, if its number is known.
};

/// How a COMMIT ended. `server_lost` is a rollback on a server that may have crashed, so that
/// another transaction may have the id now. `in_doubt` means that the outcome is not known.
enum class CommitOutcome { committed, rolled_back, server_lost, in_doubt };

/// The outcome, with the error for the user unless it is `committed`.
struct CommitEnd {
    CommitOutcome outcome;
    std::optional<Error> error;
};

/// The writers in flight, by the locks that they hold in PostgreSQL.
struct Probe {
    /// The transactions that hold the lock of each scope, by the lower 32 bits of their ids, since
    /// the locks show no more; 0 if even these are hidden.
    std::map<Scope, std::vector<std::uint32_t>> writers = {};

    bool on_standby = false; ///< A standby lags: no count may be stored.
};

/// Counts in snapshots that were taken after the call began.
struct Counted {
    Counts counts = {};
    std::string snapshot = {};       ///< The total's, as pg_current_snapshot() writes it.
    std::int64_t server_process = 0; ///< The process that counted the total. A crash ends it.
    bool on_standby = false;         ///< A standby, which lags, gave one of them.
};

/// The orders in PostgreSQL, as the protocol sees them. Every function throws Error if it fails. A
/// function with a `tick` calls it every k_renewal_interval while it waits, unless the tick is
/// empty.
class OrderStore {
public:
    using Tick = std::function<void()>;

    virtual ~OrderStore() = default;

    /// Returns the writers of `scopes`. A count that is asked for later takes its snapshot after
    /// this look.
    virtual Probe probe(const std::vector<Scope>& scopes, const Tick& tick) = 0;

    /// Returns the number of orders of each scope. Each statement tells whether a standby ran it:
    /// behind a pooler this may be another server than the one that the probe asked.
    virtual Counted count(const std::vector<Scope>& scopes, const Tick& tick) = 0;

    /// Returns the total in a snapshot that is taken before `is_wanted` is called, or nullopt if
    /// `is_wanted` returns false. Throws what `is_wanted` throws, too.
    virtual std::optional<Counted> count_total(const std::function<bool()>& is_wanted) = 0;

    /// Returns true if PostgreSQL has run without a crash since it counted that total, and false if
    /// it has not or this is not known.
    virtual bool has_run_since(const Counted& counted) = 0;

    /// Returns what became of a write: `committed` once every new snapshot sees it; `aborted`;
    /// `in_progress` if it may still become either; `unknown` if its id is committed but its order
    /// was not found. The first two are final.
    virtual TransactionStatus status_of(const WriteId& write) = 0;
};

/// Orders that are inserted but not committed. Their writer's lock is held. The destructor rolls
/// them back unless commit() was called.
class PendingOrders {
public:
    virtual ~PendingOrders() = default;

    virtual WriteId write_id() const = 0;

    /// Returns by how much the number of all orders changes. It is 0 if no row counts as an order.
    virtual std::int64_t counted() const = 0;

    /// Returns the customers whose counts change, or nullopt if any count may change. In the latter
    /// case the lock is a batch's.
    virtual std::optional<std::vector<Scope>> changed_customers() const = 0;

    /// Commits the orders.
    virtual CommitEnd commit() = 0;
};

} // namespace ordercache
