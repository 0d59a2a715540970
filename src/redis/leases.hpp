#pragma once

#include "base/waiting.hpp"
#include "cache_aside/count_cache.hpp"
#include "redis/key_names.hpp"
#include "redis/router.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// The leases on customers' counts in Redis, each step one script (src/redis/lua/lease_*.lua, which
/// say what they do). Each takes the token of the reader, leaves other readers' leases alone, and
/// throws CacheError when it fails.
class RedisLeases {
public:
    /// Both must outlive this object.
    RedisLeases(RedisRouter& redis, const KeyNames& names) : m_redis(redis), m_names(names) {}

    /// A claim for each customer, in their order. A refresh takes no cached count for an answer.
    std::vector<Claim> acquire(const std::string& token, const std::vector<Scope>& customers,
                               bool refresh);
    void renew(const std::string& token, const std::vector<Scope>& customers);
    void release(const std::string& token, const std::vector<Scope>& customers, Deadline deadline);

    /// Stores the counts and gives the leases up.
    void fill(const std::string& token, const Counts& customers, std::chrono::seconds time_to_live);

private:
    RedisCommand command_on_values(const char* script, const std::vector<Scope>& customers) const;
    void run_on_leases(const char* script, const std::vector<Scope>& customers,
                       const std::vector<std::string>& arguments,
                       std::optional<Deadline> deadline = std::nullopt);

    RedisRouter& m_redis;
    const KeyNames& m_names;
};

} // namespace ordercache
