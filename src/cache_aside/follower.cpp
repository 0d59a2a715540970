#include "cache_aside/follower.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace ordercache {

bool Follower::start() {
    return m_feed.start([this] {
        m_reporter.note("Clearing all caches");
        m_cache.drop_all();
    });
}

bool Follower::follow() {
    return m_feed.poll([this](const Changes& changes) { handle(changes); });
}

void Follower::handle(const Changes& changes) {
    m_reporter.note([&] {
        std::int64_t orders = 0;
        for (const TransactionDelta& delta : changes.transactions) {
            orders += delta.orders;
        }
        return fmt::format("Others wrote: clearing {} caches, adding {} to the total",
                           changes.scopes.size(), orders);
    });
    m_cache.drop(changes.scopes);
    m_cache.apply_external(changes.transactions);
}

} // namespace ordercache
