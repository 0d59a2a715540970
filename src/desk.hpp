#pragma once

#include "cache_aside.hpp"
#include "cli.hpp"
#include "config.hpp"
#include "output.hpp"
#include "postgres_store.hpp"
#include "redis_cache.hpp"
#include "waiting.hpp"

#include <chrono>
#include <optional>

namespace ordercache {

/// What a command works with. The cache and the store are made when they are needed, for only then
/// are their variables wanted.
class Desk {
public:
    Desk(const Invocation& invocation, const Config& config, Journal& journal);

    Output& output() { return m_output; }
    Journal& journal() { return m_journal; }
    RedisCache& cache();
    PostgresStore& store();
    CacheAside cache_aside();

private:
    std::chrono::milliseconds patience() const;

    Output m_output;
    Journal& m_journal;
    const Config& m_config;
    TimeLimit m_limit;
    std::optional<RedisCache> m_cache;
    std::optional<PostgresStore> m_store;
};

} // namespace ordercache
