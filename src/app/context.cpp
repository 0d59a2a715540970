#include "app/context.hpp"

#include "postgres/change_feed.hpp"
#include "redis/key_names.hpp"

#include <variant>

namespace ordercache {

namespace {

bool is_batch(const Command& command) {
    if (const auto* count = std::get_if<Count>(&command)) {
        return count->customers_from || count->customers.size() > 1;
    }
    if (const auto* invalidate = std::get_if<Invalidate>(&command)) {
        return !invalidate->customer;
    }
    const auto* add = std::get_if<Add>(&command);
    return add != nullptr && add->from;
}

bool follows(const Command& command) {
    const auto* invalidate = std::get_if<Invalidate>(&command);
    return invalidate != nullptr && invalidate->mode == InvalidateMode::follow;
}

/// A follower must notice a lost connection: it may have missed something.
WhenClosed when_closed(const Command& command) {
    return follows(command) ? WhenClosed::fail : WhenClosed::reconnect;
}

/// If the cache takes too long, PostgreSQL answers a count, and a follower starts again. Other
/// commands wait.
std::optional<std::chrono::milliseconds> redirection_time(const Command& command) {
    constexpr std::chrono::milliseconds k_before_going_another_way{2000};
    const bool has_another_way = std::holds_alternative<Count>(command) || follows(command);
    return has_another_way ? std::optional(k_before_going_another_way) : std::nullopt;
}

} // namespace

TimeLimit limit_of(const Invocation& invocation) {
    return is_batch(invocation.command) ? TimeLimit::each_wait(invocation.timeout)
                                        : TimeLimit::whole(invocation.timeout);
}

Context::Context(const Invocation& invocation, const Config& config, Reporter& reporter)
    : m_limit(limit_of(invocation)),
      m_stream_limit(invocation.timeout_was_given ? m_limit : TimeLimit::none()),
      m_output(invocation.format, m_stream_limit), m_reporter(reporter), m_config(config),
      m_command(invocation.command) {}

RedisCache& Context::cache() {
    if (!m_cache) {
        m_cache.emplace(
            RedisRouter(m_config.redis(), {.limit = m_limit,
                                           .when_closed = when_closed(m_command),
                                           .redirection_time = redirection_time(m_command)}),
            KeyNames(m_config.key_prefix(), m_config.customer_type()), m_config.time_to_live(),
            m_reporter, [this] { return m_config.postgres().origin; });
    }
    return *m_cache;
}

PostgresConnection Context::postgres() const {
    return {m_config.postgres(), m_config.orders(), m_limit, m_reporter};
}

PostgresStore& Context::store() {
    if (!m_store) {
        m_store.emplace(postgres());
    }
    return *m_store;
}

CountReader& Context::reader() {
    if (!m_reader) {
        const auto orders = [this]() -> OrderStore& { return store(); };
        m_reader.emplace(cache(), orders, m_reporter, m_limit);
    }
    return *m_reader;
}

std::unique_ptr<PostgresChangeFeed> Context::change_feed() {
    return std::make_unique<PostgresChangeFeed>(postgres(), m_reporter);
}

void Context::disconnect() {
    m_reader.reset();
    m_store.reset();
    m_cache.reset();
}

} // namespace ordercache
