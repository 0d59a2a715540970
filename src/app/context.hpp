#pragma once

#include "app/config.hpp"
#include "base/waiting.hpp"
#include "cache_aside/reader.hpp"
#include "cli/command_line.hpp"
#include "io/output.hpp"
#include "postgres/store.hpp"
#include "redis/cache.hpp"

#include <memory>
#include <optional>

namespace ordercache {

class PostgresChangeFeed;

/// The limit that --timeout sets: for the whole command, or for each wait of a batch.
TimeLimit limit_of(const Invocation& invocation);

/// What a command works with. The cache and the store are created on first use, since only then
/// are their variables needed.
class Context {
public:
    /// All three must outlive this object.
    Context(const Invocation& invocation, const Config& config, Reporter& reporter);

    Output& output() { return m_output; }
    Reporter& reporter() { return m_reporter; }
    const Config& config() const { return m_config; }

    /// The limit of a wait for stdin, a FIFO or the reader of stdout. The other end may pause, so
    /// there is none unless --timeout was given.
    TimeLimit stream_limit() const { return m_stream_limit; }

    /// The first call throws Error (usage) if its variable is not set.
    RedisCache& cache();
    PostgresStore& store();
    CountReader& reader();

    /// A feed that opens its own connection at the first poll.
    std::unique_ptr<PostgresChangeFeed> change_feed();

    /// Closes the connections, and destroys what the functions above returned. The next call opens
    /// new ones.
    void disconnect();

private:
    PostgresConnection postgres() const;

    TimeLimit m_limit;
    TimeLimit m_stream_limit;
    Output m_output;
    Reporter& m_reporter;
    const Config& m_config;
    const Command& m_command;
    std::optional<RedisCache> m_cache;
    std::optional<PostgresStore> m_store;
    std::optional<CountReader> m_reader;
};

} // namespace ordercache
