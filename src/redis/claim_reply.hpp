#pragma once

#include "cache_aside/cache_contents.hpp"
#include "cache_aside/count_cache.hpp"
#include "redis/reply_reader.hpp"
#include "redis/uri.hpp"

#include <optional>

namespace ordercache {

/// What the reply to a GET of a key says; nullopt if nothing is there.
std::optional<CachedValue> cached_value_in(const RedisReply& reply);

/// What the scripts lease_acquire and ledger_acquire return for a scope. Throws
/// CacheError, which names the service, if it is something else.
Claim claim_in(const RedisReply& reply, const RedisService& service);

} // namespace ordercache
