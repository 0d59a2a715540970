#pragma once

#include "cache_aside/order_store.hpp"
#include "cache_aside/scope.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// For how long the right to count stands unless it is renewed, and how often it is renewed.
inline constexpr std::chrono::milliseconds k_lease_time{2000};
inline constexpr std::chrono::milliseconds k_renewal_interval{500};

/// Which cached counts are good enough.
struct Freshness {
    /// None that was cached, or that somebody had begun to count, before it was asked for.
    bool refresh = false;

    /// With `refresh` the total that this reader counted, by its token, all the same: it began
    /// late enough. Empty: nobody's.
    std::string accepted = {};
};

/// What an attempt to take the right to count found.
struct Claim {
    bool ours = false;                      ///< Count, and fill or release.
    std::optional<std::int64_t> count = {}; ///< The count, which is cached.
    std::string holder = {};                ///< The token of the reader that counts; empty: none.
    std::vector<WriteId> to_settle = {};    ///< By writers long in flight, which may be dead: ask.
};

/// What a key of the cache holds.
struct CachedValue {
    std::optional<std::int64_t> count; ///< Absent: it is no count.

    friend bool operator==(const CachedValue&, const CachedValue&) = default;
};

/// By how many orders a transaction changed the total.
struct TransactionDelta {
    TransactionId transaction;
    std::int64_t orders;
};

/// The cache of counts, and who may store one: of a customer whoever has its lease, of the total
/// the reader that is entered in its ledger. Every function throws CacheError when it fails. What
/// is ours was acquired through the same object.
class CountCache {
public:
    virtual ~CountCache() = default;

    /// The name of the scope's key, for people.
    virtual std::string key(const Scope& scope) const = 0;

    /// The counts, in the order of `scopes`; absent: a miss.
    virtual std::vector<std::optional<std::int64_t>> get(const std::vector<Scope>& scopes) = 0;

    /// What is there, in the order of `scopes`; absent: nothing.
    virtual std::vector<std::optional<CachedValue>> values(const std::vector<Scope>& scopes) = 0;

    /// The scopes of which something is there, sorted.
    virtual std::vector<Scope> cached_scopes() = 0;

    /// Whether the total's ledger is there: where no value is, somebody counts or writes.
    virtual bool has_ledger() = 0;

    /// For each scope takes the right to count, unless a count is there that is fresh enough or
    /// somebody else has that right. The claims come in the order of `scopes`.
    virtual std::vector<Claim> acquire(const std::vector<Scope>& scopes,
                                       const Freshness& freshness) = 0;

    /// Gives each right to count its whole time again, if it is ours.
    virtual void renew(const std::vector<Scope>& scopes) = 0;

    /// Gives each right to count up, if it is ours.
    virtual void release(const std::vector<Scope>& scopes) = 0;

    /// Stores each customer's count for its time to live and gives its lease up, if that is ours;
    /// else nothing.
    virtual void fill(const Counts& customers) = 0;

    /// Enters the total in its ledger, if we are its reader and every one of `writers` is entered
    /// there too; it is published once nobody is in flight. Gives whether it was entered. The right
    /// to count is given up, unless it was asked `has_run`, whether PostgreSQL has not crashed
    /// since the snapshot, and that gave false. It is asked where the snapshot knows the
    /// transaction of a writer that is entered: after a crash that may be another one with its id.
    virtual bool fill_total(std::int64_t count, const std::string& snapshot,
                            const std::vector<std::uint32_t>& writers,
                            const std::function<bool()>& has_run) = 0;

    /// Before a commit: drops each customer's lease, then its value, and enters the writer in the
    /// total's ledger, which takes the total out of sight. Where the cache will not have the entry,
    /// for want of memory say, the total is dropped: gives false, and end_write() is not wanted.
    virtual bool begin_write(const WriteId& write, std::int64_t orders,
                             const std::vector<Scope>& customers) = 0;

    /// After it: what became of a writer, once that is final. Brings the total back, with its
    /// orders, unless others are in flight. Said twice, it changes nothing.
    virtual void end_write(const WriteId& write, TransactionStatus status) = 0;

    /// What others wrote to the total, each transaction once, now that any snapshot sees it;
    /// `orders` is by how many it changed it, and may be negative. Brings the total up to date, or
    /// drops it where it may have been counted with them.
    virtual void apply_external(const std::vector<TransactionDelta>& others) = 0;

    /// Deletes each customer's lease, then its value, and the total's value with its ledger; gives
    /// the number of values that were there.
    virtual std::int64_t drop(const std::vector<Scope>& scopes) = 0;

    /// As `drop`, of every scope: every lease first, then every value.
    virtual std::int64_t drop_all() = 0;

    /// The time to live of a count that is filled.
    virtual std::chrono::seconds time_to_live() const = 0;
};

} // namespace ordercache
