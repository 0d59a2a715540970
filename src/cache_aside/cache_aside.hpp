#pragma once

#include "base/reporter.hpp"
#include "cache_aside/scope.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// THE protocol: when a count may be served from the cache, stored in it, and dropped from it.
/// A cached count is the count in PostgreSQL at every moment, whatever is killed, while every
/// program that writes orders or stores counts keeps to it:
///
/// - A writer holds a lock in PostgreSQL from before its drop until its commit is visible.
/// - A reader that missed takes the lease on the key, probes for writers' locks, and only then
///   counts; it fills the cache if the lease is still its own. A drop takes the lease away.
///
/// The lease is that of Nishtala and others, Scaling Memcache at Facebook, NSDI 2013, 3.2.1.
namespace ordercache {

/// For how long a lease stands unless it is renewed, and how often it is renewed.
inline constexpr std::chrono::milliseconds k_lease_time{2000};
inline constexpr std::chrono::milliseconds k_renewal_interval{500};

/// What an attempt to take a lease found.
struct Claim {
    bool leased;                       ///< The lease is ours.
    std::optional<std::int64_t> count; ///< The value, which somebody has filled meanwhile.
};

using Counts = std::map<Scope, std::int64_t>;

/// The cache of counts. Every function throws CacheError when it fails. A lease that is ours is
/// one that was acquired or taken through the same object.
class CountCache {
public:
    virtual ~CountCache() = default;

    /// The name of the scope's key, for people.
    virtual std::string key(const Scope& scope) const = 0;

    /// The counts, in the order of `scopes`; absent: a miss.
    virtual std::vector<std::optional<std::int64_t>> get(const std::vector<Scope>& scopes) = 0;

    /// For each scope takes the lease unless somebody has it, then looks for the value.
    virtual std::vector<Claim> acquire(const std::vector<Scope>& scopes) = 0;

    /// Takes each lease, whoever has it.
    virtual void take(const std::vector<Scope>& scopes) = 0;

    /// Gives each lease its whole time again, if it is ours.
    virtual void renew(const std::vector<Scope>& scopes) = 0;

    /// Gives each lease up, if it is ours.
    virtual void release(const std::vector<Scope>& scopes) = 0;

    /// Stores each count for its time to live and gives its lease up, if that is ours; else
    /// nothing.
    virtual void fill(const Counts& counts) = 0;

    /// Deletes each lease, then its value; gives the number of values that were there.
    virtual std::int64_t drop(const std::vector<Scope>& scopes) = 0;

    /// Deletes every lease, then every value; gives the number of values.
    virtual std::int64_t drop_all() = 0;

    /// The time to live of a count that is filled.
    virtual std::chrono::seconds time_to_live() const = 0;
};

/// The orders. A function that waits calls `tick` every k_renewal_interval meanwhile.
class OrderStore {
public:
    using Tick = std::function<void()>;

    virtual ~OrderStore() = default;

    /// The probe: those of `scopes` whose count must not be stored, for a writer of them is in
    /// flight, or this server lags as a standby does. Takes its snapshot before that of any count.
    virtual std::vector<Scope> writers_in_flight(const std::vector<Scope>& scopes,
                                                 const Tick& tick) = 0;

    /// The number of orders of each scope, as of a snapshot that is taken after the call began.
    virtual Counts count(const std::vector<Scope>& scopes, const Tick& tick) = 0;
};

/// Orders that are written and not yet committed: their writer's lock is held. Destroyed before
/// the commit, they are rolled back.
class PendingOrders {
public:
    virtual ~PendingOrders() = default;

    /// Whose counts change; absent: anybody's may.
    virtual std::optional<std::vector<Scope>> changed() const = 0;

    /// Makes them visible. Throws Error (look_first) where the outcome cannot be learnt; any other
    /// Error means that nothing was written.
    virtual void commit() = 0;
};

/// Lets time pass; may throw to end the wait.
using Pause = std::function<void(std::chrono::milliseconds)>;

/// Tells of a drop, in the words that scripts may look for.
void note_drop(const std::vector<Scope>& scopes, const CountCache& cache, Reporter& reporter);

/// The counts from the store alone, in the order of `scopes`.
std::vector<std::int64_t> counts_from_store(OrderStore& store, const std::vector<Scope>& scopes,
                                            Reporter& reporter);

class CacheAside {
public:
    /// Asks `store` for the orders only when the cache does not have the answer. Waits at most
    /// `patience` for another reader's fill.
    CacheAside(CountCache& cache, std::function<OrderStore&()> store, Reporter& reporter,
               Pause pause, std::chrono::milliseconds patience);

    /// The counts, in the order of `scopes`: from the cache where it has them, else from the
    /// store, and cached. Where the cache fails: a warning, and the store's.
    std::vector<std::int64_t> counts(const std::vector<Scope>& scopes);

    /// The counts, computed anew and cached.
    std::vector<std::int64_t> refresh(const std::vector<Scope>& scopes);

    /// Drops the counts that the orders change, and commits them. A drop that fails throws
    /// CacheError, and nothing is committed.
    void commit(PendingOrders& orders);

private:
    class Leases;
    using LookUp = Counts (CacheAside::*)(const std::vector<Scope>&);

    Counts falling_back_on_store(LookUp look_up, const std::vector<Scope>& scopes);
    Counts cached(const std::vector<Scope>& scopes);
    Counts anew(const std::vector<Scope>& scopes);
    Counts resolve(std::vector<Scope> misses);
    std::vector<Scope> claim(const std::vector<Scope>& misses, Counts& found);
    Counts count_with_lease(Leases& leases);
    void fill(const Counts& counts);
    void release(Leases& leases);
    void with_cache(const std::function<void()>& act);
    void hit(Counts& found, const Scope& scope, std::int64_t count);

    CountCache& m_cache;
    std::function<OrderStore&()> m_store;
    Reporter& m_reporter;
    Pause m_pause;
    std::chrono::milliseconds m_patience;
    bool m_cache_failed = false;
};

} // namespace ordercache
