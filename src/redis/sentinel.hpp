#pragma once

#include "base/waiting.hpp"
#include "redis/server.hpp"
#include "redis/uri.hpp"

namespace ordercache {

/// Asks the service's Sentinels in turn which server is its primary, and returns the service at
/// that address. Each Sentinel gets half of the time that is left. Throws CacheError, which says
/// why each of them failed.
RedisService find_primary(const RedisService& service, const Connect& connect_to,
                          Deadline deadline);

} // namespace ordercache
