#pragma once

#include "base/reporter.hpp"
#include "cache_aside/change_feed.hpp"
#include "cache_aside/count_cache.hpp"

namespace ordercache {

/// Brings the cache up to date with what other programs write. A change is forgotten only after the
/// cache has it, so it is handled at least once. Handling it twice is harmless: all counts are
/// dropped in between, and a later count includes it.
class Follower {
public:
    /// All must outlive this object.
    Follower(ChangeFeed& feed, CountCache& cache, Reporter& reporter)
        : m_feed(feed), m_cache(cache), m_reporter(reporter) {}

    /// Drops all cached counts, since it is not known what changed before. Call it before follow(),
    /// and again after an error. Returns false if another follower is at work.
    bool start();

    /// Handles what changed since the last call. Returns false if some of it may be lost: call
    /// start() then. Throws as the feed and the cache do.
    bool follow();

private:
    void handle(const Changes& changes);

    ChangeFeed& m_feed;
    CountCache& m_cache;
    Reporter& m_reporter;
};

} // namespace ordercache
