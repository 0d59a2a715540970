#pragma once

#include "cache_aside/order_store.hpp"
#include "cache_aside/scope.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// How often the right to count is renewed. It lapses after 2 seconds without a renewal
/// (redis/lua/common.lua).
inline constexpr std::chrono::milliseconds k_renewal_interval{500};

/// Whether a reader takes a count that was cached before it asked.
enum class Purpose { read, refresh };

/// What an attempt to take the right to count found.
struct Claim {
    enum class Kind {
        wait,   ///< Another reader counts, or writers have the total out of sight: claim it again.
        hit,    ///< The count is cached.
        answer, ///< Another reader began after this one asked, and left its count.
        ours    ///< This reader must count, and then fill, share or release.
    };

    Kind kind = Kind::wait;
    std::int64_t count = 0;        ///< Of a hit or an answer.
    bool is_being_counted = false; ///< Of a wait: another reader counts.

    /// The tokens of the readers whose counts were there or under way at the first attempt. Any
    /// other reader began after that attempt. Empty before it.
    std::string earlier = {};

    std::vector<WriteId> to_settle = {}; ///< Long in flight: ask PostgreSQL.
};

using Claims = std::map<Scope, Claim>;

/// By how many orders a transaction changed the total.
struct TransactionDelta {
    TransactionId transaction;
    std::int64_t orders;
};

/// What a key of the cache holds.
struct CachedValue {
    std::optional<std::int64_t> count; ///< nullopt if it is not a count.

    friend bool operator==(const CachedValue&, const CachedValue&) = default;
};

/// The cache of counts, and the right to count, which one reader at a time has: for a customer the
/// reader that holds its lease, for the total the reader that is entered in its ledger. A right is
/// ours if it was acquired through the same object. Every function throws CacheError if it fails.
class CountCache {
public:
    virtual ~CountCache() = default;

    /// Returns the name of the scope's key, for messages.
    virtual std::string key(const Scope& scope) const = 0;

    /// Returns the counts of `scopes` that are cached, or nullopt if none may be served: the
    /// follower that should watch them has given no sign of life for 2 seconds. Warns of that once.
    virtual std::optional<Counts> get(const std::vector<Scope>& scopes) = 0;

    /// Returns what each key holds, in the order of `scopes`: nullopt if the key is not there.
    virtual std::vector<std::optional<CachedValue>> values(const std::vector<Scope>& scopes) = 0;

    /// Returns whether the total has a ledger. If it has one and no value, a reader counts or a
    /// writer is in flight.
    virtual bool has_ledger() = 0;

    /// Takes the right to count each scope, unless a count that is fresh enough is there or another
    /// reader has the right. At the first attempt pass an empty claim for each scope, and then the
    /// claims that wait. Returns a claim for each scope.
    virtual Claims acquire(const Claims& claims, Purpose purpose) = 0;

    /// Renews each right to count that is ours.
    virtual void renew(const std::vector<Scope>& scopes) = 0;

    /// Releases each right to count that is ours.
    virtual void release(const std::vector<Scope>& scopes) = 0;

    /// As above, for one scope, and leaves its count, which may not be cached, to the readers that
    /// wait for it.
    virtual void share(const Scope& scope, std::int64_t count) = 0;

    /// Stores each customer's count for its time to live and releases its lease, if the lease is
    /// ours. Returns the counts that were stored.
    virtual Counts fill(const Counts& customers) = 0;

    /// Enters the total in its ledger and releases the right to count, if the right is ours and
    /// each of `writers` is entered too. The total is published once no writer is in flight.
    /// Returns whether it was entered. `has_run` returns true if PostgreSQL has run without a crash
    /// since the snapshot. It is called only if the snapshot contains a registered writer's id,
    /// since ids may be reused after a crash. If it returns false, the total is not entered.
    virtual bool fill_total(std::int64_t count, const std::string& snapshot,
                            const std::vector<std::uint32_t>& writers,
                            const std::function<bool()>& has_run) = 0;

    /// Call it before a commit. Drops each customer's lease, then its value, and enters the writer
    /// in the total's ledger, which hides the total. Returns false if the cache refuses the entry,
    /// for example because its memory is full. Then the total is dropped, and end_write() must not
    /// be called.
    virtual bool begin_write(const WriteId& write, std::int64_t orders,
                             const std::vector<Scope>& customers) = 0;

    /// Call it once it is final whether a writer committed. Brings the total back, with the orders
    /// that were committed, unless other writers are in flight. A second call changes nothing.
    virtual void end_write(const WriteId& write, TransactionStatus status) = 0;

    /// Applies the transactions of other programs to the total. Pass each one once, when every new
    /// snapshot sees it. Drops the total if it is not known which of them it includes.
    virtual void apply_external(const std::vector<TransactionDelta>& others) = 0;

    /// A follower's sign of life: the cache has all changes that were visible at `moment`.
    virtual void vouch(std::chrono::steady_clock::time_point moment) = 0;

    /// Deletes each customer's lease, then its value, and the total's value with its ledger.
    /// Returns the number of values that were there.
    virtual std::int64_t drop(const std::vector<Scope>& scopes) = 0;

    /// As drop(), for every scope: deletes all leases before any customer's value.
    virtual std::int64_t drop_all() = 0;

    /// Returns the time to live of a count that is filled.
    virtual std::chrono::seconds time_to_live() const = 0;
};

} // namespace ordercache
