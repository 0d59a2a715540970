#pragma once

#include "base/waiting.hpp"
#include "cache_aside/count_cache.hpp"
#include "cache_aside/order_store.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace ordercache {

/// A cached value that is not the count in the store.
struct StaleCount {
    Scope scope;
    std::optional<std::int64_t> cached; ///< nullopt if the value is not a count.
    std::int64_t counted;
};

/// Finds cached values that are wrong.
///
/// A value that is the same before and after the store's snapshot is compared with the count in it.
/// A write that keeps to the protocol cannot make them differ, but a follower may be about to
/// correct the value. So the value is compared again after pauses, and is wrong if it differs in
/// the same way each time.
class Audit {
public:
    /// `cache` and `store` must outlive this object. An exception from `pause` ends the audit.
    Audit(CountCache& cache, OrderStore& store, Pause pause)
        : m_cache(cache), m_store(store), m_pause(std::move(pause)) {}

    /// Returns the total if it is wrong, even if writes keep changing it: the difference stays the
    /// same. Returns nullopt if it is right, or is never there for long enough to be compared.
    /// Throws Error (store_failed) if the store is a standby, which lags.
    std::optional<StaleCount> stale_total();

    /// Returns the customers' counts that are wrong, in the order of `customers`, which must be
    /// sorted and without repeats. Throws as above.
    std::vector<StaleCount> stale_customers(const std::vector<Scope>& customers);

private:
    std::optional<StaleCount> compare_total(const CachedValue& value);
    std::vector<StaleCount> differing_customers(const std::vector<Scope>& customers);

    CountCache& m_cache;
    OrderStore& m_store;
    Pause m_pause;
};

} // namespace ordercache
