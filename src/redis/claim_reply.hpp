#pragma once

#include "cache_aside/cache_contents.hpp"
#include "cache_aside/count_cache.hpp"
#include "redis/reply_reader.hpp"
#include "redis/uri.hpp"

#include <optional>

namespace ordercache {

/// Returns what the reply to a GET says, or nullopt if the key is not there.
std::optional<CachedValue> cached_value_in(const RedisReply& reply);

/// Parses what the scripts lease_acquire and ledger_acquire return for a scope. Throws CacheError,
/// which names the service, if the reply is anything else.
Claim claim_in(const RedisReply& reply, const RedisService& service);

} // namespace ordercache
