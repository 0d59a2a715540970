#pragma once

#include "base/reporter.hpp"
#include "cache_aside/change_feed.hpp"
#include "cache_aside/count_cache.hpp"

namespace ordercache {

/// Keeps the cache true to what others write. A change is in the cache before it is acknowledged,
/// and so it is handled at least once. What is handled twice does no harm: the cache was emptied in
/// between, and whoever counted after that has seen it.
class Follower {
public:
    /// All must outlive this object.
    Follower(ChangeFeed& feed, CountCache& cache, Reporter& reporter)
        : m_feed(feed), m_cache(cache), m_reporter(reporter) {}

    /// Drops everything, for nobody knows what changed before. False: somebody else follows. Wanted
    /// before follow(), and again after any error.
    bool start();

    /// Handles what changed since. False: some of it may be lost, and start() is wanted. Throws as
    /// the feed and the cache do.
    bool follow();

private:
    void handle(const Changes& changes);

    ChangeFeed& m_feed;
    CountCache& m_cache;
    Reporter& m_reporter;
};

} // namespace ordercache
