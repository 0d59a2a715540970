#pragma once

#include "cache_aside/cache_contents.hpp"
#include "cache_aside/count_cache.hpp"
#include "redis/reply_reader.hpp"
#include "redis/uri.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace ordercache {

/// A count as Redis holds it, a plain decimal number; nullopt for any other text.
std::optional<std::int64_t> parse_count(std::string_view text);

/// What the reply to a GET of a key says; nullopt if nothing is there.
std::optional<CachedValue> cached_value_in(const RedisReply& reply);

/// What the script lease_acquire returns for a customer, or ledger_acquire for the total. Throws
/// CacheError, which names the service, if it is something else.
Claim claim_in(const RedisReply& reply, const RedisService& service);

} // namespace ordercache
