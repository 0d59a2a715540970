#include "cache_aside/follower.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <numeric>

namespace ordercache {

namespace {

std::int64_t sum_of(const std::vector<TransactionDelta>& transactions) {
    return std::accumulate(
        transactions.begin(), transactions.end(), std::int64_t{0},
        [](std::int64_t sum, const TransactionDelta& delta) { return sum + delta.orders; });
}

} // namespace

bool Follower::start() {
    const auto changes = m_feed.start();
    if (!changes) {
        return false;
    }
    m_reporter.note("Clearing all caches");
    m_cache.drop_all();
    handle(*changes);
    return true;
}

bool Follower::follow() {
    const auto changes = m_feed.poll();
    if (!changes) {
        return false;
    }
    handle(*changes);
    return true;
}

void Follower::handle(const Changes& changes) {
    if (!changes.empty()) {
        m_reporter.note([&] {
            return fmt::format("Others wrote: clearing {} caches, adding {} to the total",
                               changes.scopes.size(), sum_of(changes.transactions));
        });
        m_cache.drop(changes.scopes);
        m_cache.apply_external(changes.transactions);
    }
    m_feed.acknowledge();
}

} // namespace ordercache
