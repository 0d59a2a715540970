#pragma once

#include "redis/server.hpp"

#include <functional>
#include <string>
#include <vector>

namespace ordercache {

/// Calls `visit` for each page of the servers' keys that match `pattern`: each key that is there
/// all the while is on a page, perhaps on several. A page may be empty. Throws CacheError.
void scan_keys(const std::vector<RedisServer*>& servers, const std::string& pattern,
               const std::function<void(const std::vector<std::string>&)>& visit);

} // namespace ordercache
