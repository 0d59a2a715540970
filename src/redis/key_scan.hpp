#pragma once

#include "redis/key_names.hpp"
#include "redis/server.hpp"

#include <set>
#include <vector>

namespace ordercache {

/// Returns the scopes that have a key of this form, sorted. A key that exists during the whole scan
/// is found. Do not delete keys meanwhile: Redis would shrink its table, in which those that are
/// left then share a bucket, and it tells of a bucket in one reply. Throws CacheError.
std::vector<Scope> scan_keys(const std::set<RedisServer*>& servers, const KeyForm& form);

} // namespace ordercache
