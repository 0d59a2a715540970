#pragma once

#include "base/reporter.hpp"
#include "cache_aside/count_cache.hpp"
#include "cache_aside/order_store.hpp"

#include <vector>

namespace ordercache {

/// Throws the error that a COMMIT ended with, if any.
void throw_unless_committed(const CommitEnd& end);

/// Notes a drop for -v, in words that scripts may look for.
void note_drop(const std::vector<Scope>& scopes, const CountCache& cache, Reporter& reporter);

/// The writer's part of the protocol (cache_aside.hpp): commits the orders, and keeps the counts
/// that they change true. If the cache fails before the commit, throws CacheError and commits
/// nothing. If it fails later, warns. Throws the error that the COMMIT ended with.
void commit_and_update_cache(PendingOrders& orders, CountCache& cache, Reporter& reporter);

} // namespace ordercache
