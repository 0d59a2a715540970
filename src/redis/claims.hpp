#pragma once

#include "cache_aside/count_cache.hpp"
#include "redis/reply_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ordercache {

/// A count as Redis holds it, a plain decimal number; absent for all else.
std::optional<std::int64_t> parse_count(std::string_view text);

/// What the script lease_acquire gives for a customer, or ledger_acquire for the total. Throws
/// CacheError where it is something else.
Claim claim_in(const RedisReply& reply);

/// Throws CacheError where lease_acquire did not give a claim for each of that many customers.
void check_size(const RedisReply& claims, std::size_t customers);

} // namespace ordercache
