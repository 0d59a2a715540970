#include "cache_aside/follower.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

/// Several signs of life before the first of them expires.
constexpr std::chrono::milliseconds k_sign_of_life_interval = 500ms;

} // namespace

bool Follower::start() {
    return m_feed.start([this] {
        m_reporter.note("Clearing all caches");
        m_cache.drop_all();
    });
}

bool Follower::follow() {
    const auto begin = m_now();
    const PollEnd end = m_feed.poll([this](const Changes& changes) { handle(changes); });
    if (end == PollEnd::complete &&
        (!m_last_sign || begin - *m_last_sign >= k_sign_of_life_interval)) {
        m_cache.vouch(begin);
        m_last_sign = begin;
    }
    return end != PollEnd::lost;
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
