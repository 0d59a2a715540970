#pragma once

#include "cache_aside/cache_contents.hpp"
#include "redis/key_names.hpp"
#include "redis/router.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace ordercache {

/// The values in Redis as they are, looked at and never changed.
class RedisContents : public CacheContents {
public:
    /// Both must outlive this object.
    RedisContents(RedisRouter& redis, const KeyNames& names) : m_redis(redis), m_names(names) {}

    std::vector<std::optional<CachedValue>> values(const std::vector<Scope>& scopes) override;
    std::vector<Scope> scopes() override;
    bool has_ledger() override;

    /// What the value's expiry leaves it, rounded up; negative if it never expires; nullopt if it
    /// is not cached.
    std::optional<std::chrono::seconds> time_left(const Scope& scope);

private:
    RedisRouter& m_redis;
    const KeyNames& m_names;
};

} // namespace ordercache
