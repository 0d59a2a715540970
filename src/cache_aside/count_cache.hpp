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

/// How often the right to count is renewed. It lapses if it was not for 2 seconds
/// (redis/lua/common.lua).
inline constexpr std::chrono::milliseconds k_renewal_interval{500};

/// Whether a reader takes a count that was cached before it asked.
enum class Purpose { read, refresh };

/// What an attempt to take the right to count found.
struct Claim {
    enum class Kind {
        wait,   ///< Another reader counts, or writers have the total out of sight: claim it again.
        hit,    ///< The count is cached.
        answer, ///< Another reader has counted, after this one asked, what may not be cached.
        ours    ///< Count, and fill, share or release.
    };

    Kind kind = Kind::wait;
    std::int64_t count = 0;        ///< A hit's or an answer's.
    bool is_being_counted = false; ///< What to wait for is another reader.

    /// The readers whose counts were there or under way at the first attempt. A count by any other
    /// began late enough. Empty until then.
    std::string earlier = {};

    std::vector<WriteId> to_settle = {}; ///< By writers long in flight, which may be dead: ask.
};

using Claims = std::map<Scope, Claim>;

/// By how many orders a transaction changed the total.
struct TransactionDelta {
    TransactionId transaction;
    std::int64_t orders;
};

/// The cache of counts, and the rights to store one: of a customer the reader's that has its lease,
/// of the total the reader's that is entered in its ledger. Every function throws CacheError when
/// it fails. A right is ours if it was acquired through the same object.
class CountCache {
public:
    virtual ~CountCache() = default;

    /// The name of the scope's key, for people.
    virtual std::string key(const Scope& scope) const = 0;

    /// The count; nullopt if it is not cached.
    virtual std::optional<std::int64_t> get(const Scope& scope) = 0;

    /// As above, those of `scopes` that are cached.
    virtual Counts get(const std::vector<Scope>& scopes) = 0;

    /// For each scope takes the right to count, unless a count is there that is fresh enough or
    /// another reader has that right. `claims` are empty at the first attempt, and then those that
    /// wait. Returns a claim for each of them.
    virtual Claims acquire(const Claims& claims, Purpose purpose) = 0;

    /// Gives each right to count its whole time again, if it is ours.
    virtual void renew(const std::vector<Scope>& scopes) = 0;

    /// Releases each right to count, if it is ours.
    virtual void release(const std::vector<Scope>& scopes) = 0;

    /// As above, and leaves the count, which may not be cached, to the readers that wait for it.
    virtual void share(const Scope& scope, std::int64_t count) = 0;

    /// Stores each customer's count for its time to live and releases its lease, if that is ours.
    /// Returns the counts that were stored.
    virtual Counts fill(const Counts& customers) = 0;

    /// Enters the total in its ledger and releases the right to count, if that is ours and every
    /// one of `writers` is entered there too; it is published once no writer is in flight. Returns
    /// whether it was entered. `has_run` tells whether PostgreSQL has not crashed since the
    /// snapshot. It is called only if the snapshot contains a registered writer's id, since ids may
    /// be reused after a crash; where it returns false, the total is not entered.
    virtual bool fill_total(std::int64_t count, const std::string& snapshot,
                            const std::vector<std::uint32_t>& writers,
                            const std::function<bool()>& has_run) = 0;

    /// Before a commit: drops each customer's lease, then its value, and enters the writer in the
    /// total's ledger, which takes the total out of sight. Returns false where the cache refuses
    /// the entry, for example for want of memory: then the total is dropped, and end_write() must
    /// not follow.
    virtual bool begin_write(const WriteId& write, std::int64_t orders,
                             const std::vector<Scope>& customers) = 0;

    /// After it: what became of a writer, once that is final. Brings the total back, with its
    /// orders, unless others are in flight. The second time it changes nothing.
    virtual void end_write(const WriteId& write, TransactionStatus status) = 0;

    /// Applies what other programs wrote to the total, each transaction once, now that any snapshot
    /// sees it. Drops the total where it may have been counted with them.
    virtual void apply_external(const std::vector<TransactionDelta>& others) = 0;

    /// Deletes each customer's lease, then its value, and the total's value with its ledger;
    /// returns the number of values that were there.
    virtual std::int64_t drop(const std::vector<Scope>& scopes) = 0;

    /// As `drop`, of every scope: every lease first, then every value.
    virtual std::int64_t drop_all() = 0;

    /// The time to live of a count that is filled.
    virtual std::chrono::seconds time_to_live() const = 0;
};

} // namespace ordercache
