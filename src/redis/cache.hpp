#pragma once

#include "base/reporter.hpp"
#include "cache_aside/count_cache.hpp"
#include "redis/key_names.hpp"
#include "redis/leases.hpp"
#include "redis/ledger.hpp"
#include "redis/router.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// The counts in Redis: plain decimal strings with an expiry, under keys that other programs
/// share. A lease holds 128 random bits, the token of the one process that may fill its value.
class RedisCache : public CountCache {
public:
    /// Says on `reporter` where a value is no count, which it takes for a miss. The reporter must
    /// outlive the cache.
    RedisCache(RedisRouter redis, KeyNames names, std::chrono::seconds time_to_live,
               Reporter& reporter);
    RedisCache(const RedisCache&) = delete;
    RedisCache& operator=(const RedisCache&) = delete;

    /// Connects now, for a command that cannot do without.
    void connect() { m_redis.connect(); }

    std::string key(const Scope& scope) const override { return m_names.value(scope); }
    std::vector<std::optional<std::int64_t>> get(const std::vector<Scope>& scopes) override;
    std::vector<std::optional<CachedValue>> values(const std::vector<Scope>& scopes) override;
    std::vector<Scope> cached_scopes() override;
    bool has_ledger() override;
    std::vector<Claim> acquire(const std::vector<Scope>& scopes,
                               const Freshness& freshness) override;
    void renew(const std::vector<Scope>& scopes) override;
    void release(const std::vector<Scope>& scopes) override;
    void fill(const Counts& customers) override;
    bool fill_total(std::int64_t count, const std::string& snapshot,
                    const std::vector<std::uint32_t>& writers,
                    const std::function<bool()>& has_run) override;
    bool begin_write(const WriteId& write, std::int64_t orders,
                     const std::vector<Scope>& customers) override;
    void end_write(const WriteId& write, TransactionStatus status) override;
    void apply_external(const std::vector<TransactionDelta>& others) override {
        m_ledger.apply_external(others);
    }
    std::int64_t drop(const std::vector<Scope>& scopes) override;
    std::int64_t drop_all() override;
    std::chrono::seconds time_to_live() const override { return m_time_to_live; }

    /// Throws CacheError where a server that was asked something is gone.
    void check_servers() { m_redis.check_servers(); }

    /// What the value's expiry leaves it, rounded up; negative: it never expires; absent: it is
    /// not cached.
    std::optional<std::chrono::seconds> time_left(const Scope& scope);

private:
    using KeyTest = bool (KeyNames::*)(std::string_view) const;

    std::optional<std::int64_t> count_in(const Scope& scope, const RedisReply& value);
    std::int64_t delete_all(const std::vector<RedisServer*>& servers, const std::string& pattern,
                            KeyTest test);

    std::int64_t drop_total();
    std::vector<RedisCommand> drop_commands(const std::vector<Scope>& customers) const;

    RedisRouter m_redis;
    KeyNames m_names;
    RedisLeases m_leases{m_redis, m_names};
    RedisLedger m_ledger{m_redis, m_names};
    std::chrono::seconds m_time_to_live;
    Reporter& m_reporter;
    std::string m_token; ///< A new one for each acquire: a fill that was delayed is refused.
};

} // namespace ordercache
