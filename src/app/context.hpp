#pragma once

#include "app/config.hpp"
#include "base/waiting.hpp"
#include "cache_aside/cache_aside.hpp"
#include "cli/command_line.hpp"
#include "io/output.hpp"
#include "postgres/store.hpp"
#include "redis/cache.hpp"

#include <chrono>
#include <optional>

namespace ordercache {

/// What a command works with. The cache and the store are made when they are needed, for only then
/// are their variables wanted.
class Context {
public:
    Context(const Invocation& invocation, const Config& config, Reporter& reporter);

    Output& output() { return m_output; }
    Reporter& reporter() { return m_reporter; }
    RedisCache& cache();
    PostgresStore& store();
    CacheAside& cache_aside();

private:
    std::chrono::milliseconds patience() const;

    Output m_output;
    Reporter& m_reporter;
    const Config& m_config;
    TimeLimit m_limit;
    std::optional<RedisCache> m_cache;
    std::optional<PostgresStore> m_store;
    std::optional<CacheAside> m_cache_aside;
};

} // namespace ordercache
