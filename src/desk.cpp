#include "desk.hpp"

#include "key_names.hpp"

#include <variant>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_patience_without_limit = 15s;

bool is_batch(const Command& command) {
    if (const auto* count = std::get_if<Count>(&command)) {
        return count->customers_from || count->customers.size() > 1;
    }
    const auto* add = std::get_if<Add>(&command);
    return add != nullptr && add->from;
}

} // namespace

Desk::Desk(const Invocation& invocation, const Config& config, Journal& journal)
    : m_output(invocation.format), m_journal(journal), m_config(config),
      m_limit(is_batch(invocation.command) ? TimeLimit::each_wait(invocation.timeout)
                                           : TimeLimit::whole(invocation.timeout)) {}

RedisCache& Desk::cache() {
    if (!m_cache) {
        m_cache.emplace(m_config.redis(), m_limit, KeyNames(m_config.key_prefix()),
                        m_config.time_to_live(), m_journal);
    }
    return *m_cache;
}

PostgresStore& Desk::store() {
    if (!m_store) {
        m_store.emplace(m_config.postgres(), m_limit, m_journal);
    }
    return *m_store;
}

CacheAside Desk::cache_aside() {
    return {cache(), [this]() -> OrderStore& { return store(); }, m_journal, pause_for, patience()};
}

/// Half of the user's time for another reader's answer, so that half is left for our own.
std::chrono::milliseconds Desk::patience() const {
    return m_limit.limit() ? *m_limit.limit() / 2 : k_patience_without_limit;
}

} // namespace ordercache
