#pragma once

#include "redis/key_names.hpp"
#include "redis/server.hpp"

#include <functional>
#include <set>
#include <vector>

namespace ordercache {

/// Looks for keys of this form, and passes their scopes to `visit`, a hundred thousand at a time. A
/// key that exists during the whole scan is found, and perhaps twice. If keys are deleted
/// meanwhile, Redis may shrink its table: the keys that are left then share a bucket, and a bucket
/// comes in one reply. Throws CacheError.
void scan_keys(const std::set<RedisServer*>& servers, const KeyForm& form,
               const std::function<void(const std::vector<Scope>&)>& visit);

} // namespace ordercache
