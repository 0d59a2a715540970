#pragma once

#include "cache_aside/count_cache.hpp"
#include "redis/reply_reader.hpp"
#include "redis/uri.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace ordercache {

/// A count as Redis holds it, a plain decimal number; absent for all else.
std::optional<std::int64_t> parse_count(std::string_view text);

/// What the reply to a GET of a key says; absent: nothing is there.
std::optional<CachedValue> cached_value_in(const RedisReply& reply);

/// What the script lease_acquire gives for a customer, or ledger_acquire for the total. Throws
/// CacheError, which names the service, where it is something else.
Claim claim_in(const RedisReply& reply, const RedisService& service);

/// As above, for each of that many customers.
std::vector<Claim> claims_in(const RedisReply& reply, std::size_t customers,
                             const RedisService& service);

} // namespace ordercache
