#pragma once

#include "app/config.hpp"
#include "base/waiting.hpp"
#include "cache_aside/change_feed.hpp"
#include "cache_aside/reader.hpp"
#include "cli/command_line.hpp"
#include "io/output.hpp"
#include "postgres/store.hpp"
#include "redis/cache.hpp"

#include <memory>
#include <optional>

namespace ordercache {

/// --timeout as it bounds a command: the whole of it, or each wait of a batch.
TimeLimit limit_of(const Invocation& invocation);

/// What a command works with. The cache and the store are made when they are needed, for only then
/// are their variables wanted.
class Context {
public:
    /// `config` and `reporter` must outlive it.
    Context(const Invocation& invocation, const Config& config, Reporter& reporter);

    Output& output() { return m_output; }
    Reporter& reporter() { return m_reporter; }

    /// What a wait for stdin, a FIFO or the reader of stdout may last: whoever stands at the other
    /// end may well pause, so that only a --timeout that was given bounds it.
    TimeLimit stream_limit() const { return m_stream_limit; }

    /// Each is made by the first call, which throws Error (usage) where its variable is not set,
    /// and names both variables where neither is and the command may need both.
    RedisCache& cache();
    PostgresStore& store();
    CountReader& reader();

    /// A feed with a connection of its own, made when it is first asked.
    std::unique_ptr<ChangeFeed> change_feed();

    /// Ends the connections; who asks again gets new ones. What was given before is gone.
    void disconnect();

private:
    Pause begin_wait() const;
    void require_a_service() const;
    const RedisService& redis_service();
    const PostgresService& postgres_service();

    TimeLimit m_limit;
    TimeLimit m_stream_limit;
    Output m_output;
    Reporter& m_reporter;
    const Config& m_config;
    bool m_may_need_both_services;
    WhenClosed m_when_closed;
    RedisRouter::RedirectionTime m_redirection_time;
    std::optional<RedisService> m_redis_service;
    std::optional<PostgresService> m_postgres_service;
    std::optional<RedisCache> m_cache;
    std::optional<PostgresStore> m_store;
    std::optional<CountReader> m_reader;
};

} // namespace ordercache
