#pragma once

#include "base/reporter.hpp"
#include "cache_aside/count_cache.hpp"
#include "redis/contents.hpp"
#include "redis/key_names.hpp"
#include "redis/leases.hpp"
#include "redis/ledger.hpp"
#include "redis/router.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// The counts in Redis: plain decimal strings with an expiry, under keys that other programs
/// share.
class RedisCache : public CountCache {
public:
    /// Tells servers of PostgreSQL apart, in a word without a blank. Called when a right to count
    /// is acquired.
    using Origin = std::function<std::string()>;

    /// Warns on `reporter` where a value is not a count, which it takes for a miss. The reporter
    /// must outlive the cache.
    RedisCache(RedisRouter redis, KeyNames names, std::chrono::seconds time_to_live,
               Reporter& reporter, Origin origin);
    RedisCache(const RedisCache&) = delete;
    RedisCache& operator=(const RedisCache&) = delete;

    /// Connects now, for a command that cannot do without.
    void connect() { m_redis.connect(); }

    std::string key(const Scope& scope) const override { return m_names.value(scope); }
    std::optional<std::int64_t> get(const Scope& scope) override;
    Counts get(const std::vector<Scope>& scopes) override;
    std::vector<Claim> acquire(const std::vector<CountRequest>& requests, Purpose purpose) override;
    void renew(const std::vector<Scope>& scopes) override;
    void release(const std::vector<Scope>& scopes) override;
    void share(const Scope& scope, std::int64_t count) override;
    Counts fill(const Counts& customers) override;
    bool fill_total(std::int64_t count, const std::string& snapshot,
                    const std::vector<std::uint32_t>& writers,
                    const std::function<bool()>& has_run) override;
    bool begin_write(const WriteId& write, std::int64_t orders,
                     const std::vector<Scope>& customers) override;
    void end_write(const WriteId& write, TransactionStatus status) override;
    void apply_external(const std::vector<TransactionDelta>& others) override;
    std::int64_t drop(const std::vector<Scope>& scopes) override;
    std::int64_t drop_all() override;
    std::chrono::seconds time_to_live() const override { return m_time_to_live; }

    /// Lives as long as the cache.
    RedisContents& contents() { return m_contents; }

    /// Throws CacheError where a server that was asked something is gone.
    void check_servers() { m_redis.check_servers(); }

private:
    using KeyTest = bool (KeyNames::*)(std::string_view) const;

    std::optional<std::int64_t> count_in(const Scope& scope, const RedisReply& value);
    std::int64_t delete_all(const std::vector<RedisServer*>& servers, const std::string& pattern,
                            KeyTest test);
    std::int64_t drop_total();
    std::vector<RedisCommand> drop_commands(const std::vector<Scope>& customers) const;

    RedisRouter m_redis;
    KeyNames m_names;
    RedisContents m_contents{m_redis, m_names};
    RedisLeases m_leases{m_redis, m_names};
    RedisLedger m_ledger{m_redis, m_names};
    std::chrono::seconds m_time_to_live;
    Reporter& m_reporter;
    Origin m_origin;
    Reader m_reader; ///< Anew for each acquire: a fill that was delayed is refused.
};

} // namespace ordercache
