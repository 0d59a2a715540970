#pragma once

#include "redis/server.hpp"

#include <functional>
#include <string>
#include <vector>

namespace ordercache {

/// Calls `visit` with each page of the servers' keys that match `pattern`. A key that exists during
/// the whole scan is on one page or more. A page may be empty. Throws CacheError.
void scan_keys(const std::vector<RedisServer*>& servers, const std::string& pattern,
               const std::function<void(const std::vector<std::string>&)>& visit);

} // namespace ordercache
