#pragma once

#include "base/reporter.hpp"
#include "cache_aside/change_feed.hpp"
#include "cache_aside/count_cache.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

namespace ordercache {

/// Brings the cache up to date with what other programs write. A change is forgotten only after the
/// cache has it, so it is handled at least once. Handling it twice is harmless: all counts are
/// dropped in between, and a later count includes it.
class Follower {
public:
    using Clock = std::chrono::steady_clock;
    using Now = std::function<Clock::time_point()>;

    /// All must outlive this object.
    Follower(ChangeFeed& feed, CountCache& cache, Reporter& reporter, Now now = Clock::now)
        : m_feed(feed), m_cache(cache), m_reporter(reporter), m_now(std::move(now)) {}

    /// Drops all cached counts, since it is not known what changed before. Call it before follow(),
    /// and again after an error. Returns false if another follower is at work.
    bool start();

    /// Handles what changed since the last call, and gives a sign of life every 500 ms. Returns
    /// false if some of it may be lost: call start() then. Throws as the feed and the cache do.
    bool follow();

private:
    void handle(const Changes& changes);

    ChangeFeed& m_feed;
    CountCache& m_cache;
    Reporter& m_reporter;
    Now m_now;
    std::optional<Clock::time_point> m_last_sign;
};

} // namespace ordercache
