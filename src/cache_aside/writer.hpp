#pragma once

#include "base/reporter.hpp"
#include "cache_aside/count_cache.hpp"
#include "cache_aside/order_store.hpp"

#include <vector>

namespace ordercache {

/// Tells of a drop, in the words that scripts may look for.
void note_drop(const std::vector<Scope>& scopes, const CountCache& cache, Reporter& reporter);

/// The writer's part of the protocol (cache_aside.hpp): commits the orders, and keeps the counts
/// that they change true. Where the cache fails before the commit, throws CacheError, and nothing
/// is committed; after it: a warning. Throws as `orders` does.
void commit(PendingOrders& orders, CountCache& cache, Reporter& reporter);

} // namespace ordercache
