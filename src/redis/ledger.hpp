#pragma once

#include "cache_aside/count_cache.hpp"
#include "redis/key_names.hpp"
#include "redis/leases.hpp"
#include "redis/router.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// The total and its ledger in Redis, each step of it one script (src/redis/lua/ledger_*.lua, which
/// say what they do). The steps are those of CountCache. Every function throws CacheError when it
/// fails.
class RedisLedger {
public:
    /// Both must outlive this object.
    RedisLedger(RedisRouter& redis, const KeyNames& names) : m_redis(redis), m_names(names) {}

    Claim acquire(const Reader& reader, const std::string& earlier);
    void renew(const Reader& reader);
    void release(const Reader& reader, Deadline deadline);
    void share(const Reader& reader, std::int64_t count, Deadline deadline);
    bool fill(const Reader& reader, std::int64_t count, std::chrono::seconds time_to_live,
              const std::string& snapshot, const std::vector<std::uint32_t>& writers,
              const std::function<bool()>& has_run);

    /// The command that enters a writer, for a pipeline.
    RedisCommand registration(const WriteId& write, std::int64_t orders) const;

    void confirm(const WriteId& write, TransactionStatus status, Deadline deadline);
    void apply_external(const std::vector<TransactionDelta>& others);

private:
    RedisCommand command(const char* script, const std::vector<std::string>& arguments) const;
    RedisReply run(const char* script, const std::vector<std::string>& arguments,
                   std::optional<Deadline> deadline = std::nullopt);

    RedisRouter& m_redis;
    const KeyNames& m_names;
};

} // namespace ordercache
