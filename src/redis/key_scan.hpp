#pragma once

#include "redis/key_names.hpp"
#include "redis/server.hpp"

#include <functional>
#include <set>
#include <vector>

namespace ordercache {

/// Looks for keys of this form, and calls `visit` with the scopes of each page of them. The scope
/// of a key that exists during the whole scan is on one page or more. A page may be empty. Throws
/// CacheError.
void scan_keys(const std::set<RedisServer*>& servers, const KeyForm& form,
               const std::function<void(const std::vector<Scope>&)>& visit);

} // namespace ordercache
