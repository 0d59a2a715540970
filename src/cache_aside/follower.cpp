#include "cache_aside/follower.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <numeric>
#include <utility>

namespace ordercache {

namespace {

std::int64_t sum_of(const std::vector<TransactionDelta>& transactions) {
    return std::accumulate(
        transactions.begin(), transactions.end(), std::int64_t{0},
        [](std::int64_t sum, const TransactionDelta& delta) { return sum + delta.orders; });
}

} // namespace

bool Follower::start() {
    auto changes = m_feed.start();
    if (!changes) {
        return false;
    }
    m_reporter.note("Clearing all caches");
    m_cache.drop_all();
    handle(std::move(changes));
    return true;
}

bool Follower::follow() {
    auto changes = m_feed.poll();
    if (!changes) {
        return false;
    }
    handle(std::move(changes));
    return true;
}

void Follower::handle(std::optional<Changes> changes) {
    for (; changes; changes = m_feed.next()) {
        if (changes->empty()) {
            continue;
        }
        m_reporter.note([&] {
            return fmt::format("Others wrote: clearing {} caches, adding {} to the total",
                               changes->scopes.size(), sum_of(changes->transactions));
        });
        m_cache.drop(changes->scopes);
        m_cache.apply_external(changes->transactions);
    }
    m_feed.acknowledge();
}

} // namespace ordercache
