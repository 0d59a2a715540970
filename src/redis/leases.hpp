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

/// The reader that holds, or asks for, the right to count.
struct Reader {
    std::string token;  ///< Its own for each attempt.
    std::string origin; ///< The PostgreSQL service that it asks. It has no blank.
    Purpose purpose = Purpose::read;
};

/// As the scripts take it.
inline std::string word_for(Purpose purpose) {
    return purpose == Purpose::read ? "read" : "refresh";
}

/// The leases on customers' counts in Redis, each step one script (src/redis/lua/lease_*.lua, which
/// say what they do). Each leaves other readers' leases alone, and throws CacheError when it fails.
class RedisLeases {
public:
    /// Both must outlive this object.
    RedisLeases(RedisRouter& redis, const KeyNames& names) : m_redis(redis), m_names(names) {}

    /// A claim for each of the customers requested, in their order.
    std::vector<Claim> acquire(const Reader& reader, const std::vector<CountRequest>& requests);
    void renew(const Reader& reader, const std::vector<Scope>& customers);
    void release(const Reader& reader, const std::vector<Scope>& customers, Deadline deadline);
    void share(const Reader& reader, const Scope& customer, std::int64_t count, Deadline deadline);
    Counts fill(const Reader& reader, const Counts& customers, std::chrono::seconds time_to_live);

private:
    using Keys = std::vector<std::string> (RedisLeases::*)(const Scope& customer) const;

    std::vector<std::string> lease(const Scope& customer) const {
        return {m_names.lease(customer)};
    }
    std::vector<std::string> lease_and_answer(const Scope& customer) const;
    std::vector<std::string> all_keys(const Scope& customer) const;
    RedisCommand command(const char* script, Keys keys, const std::vector<Scope>& customers,
                         const std::vector<std::string>& arguments) const;

    RedisRouter& m_redis;
    const KeyNames& m_names;
};

} // namespace ordercache
