#include "app/commands.hpp"

#include "app/context.hpp"
#include "base/error.hpp"
#include "base/waiting.hpp"
#include "cache_aside/follower.hpp"
#include "io/service_manager.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds k_poll_interval = 50ms;
constexpr std::chrono::milliseconds k_longest_pause = 1s;
constexpr std::chrono::milliseconds k_check_interval = 1s;
constexpr std::chrono::milliseconds k_noticeable_lag = 1s;

std::chrono::milliseconds time_since(Clock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
}

/// Whether a peer has gone. Tells of each that goes, and when all are back.
class Outage {
public:
    explicit Outage(Reporter& reporter) : m_reporter(reporter) {}

    void failed(const Error& error) {
        if (m_peer != error.kind()) {
            m_reporter.warn(fmt::format("{}; trying again", error.what()));
            m_peer = error.kind();
        }
    }

    void end() {
        if (m_peer) {
            m_reporter.warn("PostgreSQL and Redis answer again: all caches were cleared");
        }
        m_peer.reset();
        m_pause = k_poll_interval;
    }

    /// The first one is short, each other twice as long as the one before.
    std::chrono::milliseconds next_pause() {
        return std::exchange(m_pause, std::min(2 * m_pause, k_longest_pause));
    }

private:
    Reporter& m_reporter;
    std::optional<ErrorKind> m_peer; ///< The one that failed.
    std::chrono::milliseconds m_pause = k_poll_interval;
};

/// Follows for as long as both peers answer.
class Session {
public:
    Session(Context& context, ServiceManager& manager, Outage& outage, bool& was_slow)
        : m_context(context), m_manager(manager), m_outage(outage), m_was_slow(was_slow),
          m_feed(context.change_feed()), m_follower(*m_feed, context.cache(), context.reporter()) {}

    [[noreturn]] void run() {
        start();
        for (;;) {
            const auto begin = Clock::now();
            if (!m_follower.follow()) {
                start();
            }
            check_cache();
            m_manager.alive();
            pause_after(time_since(begin));
        }
    }

private:
    /// Waits as long as somebody else follows.
    void start() {
        if (!m_follower.start()) {
            m_context.reporter().note("Another follower is at work; waiting to take over");
            do {
                m_manager.alive();
                pause_for(k_longest_pause);
            } while (!m_follower.start());
        }
        m_context.reporter().note("Following what others write to orders");
        m_checked = Clock::now();
        m_outage.end();
        m_manager.ready();
    }

    /// A Redis that was restarted may have come back with old counts, be there changes or not.
    void check_cache() {
        if (time_since(m_checked) >= k_check_interval) {
            m_context.cache().check_servers();
            m_checked = Clock::now();
        }
    }

    /// What is slow gets as long a pause as it took: a follower is at work half the time at most.
    void pause_after(std::chrono::milliseconds took) {
        if (took > k_noticeable_lag && !m_was_slow) {
            m_context.reporter().warn(fmt::format(
                "following others' changes takes {} ms a time: counts lag behind by that much",
                took.count()));
            m_was_slow = true;
        }
        pause_for(std::max(k_poll_interval - took, std::min(took, k_longest_pause)));
    }

    Context& m_context;
    ServiceManager& m_manager;
    Outage& m_outage;
    bool& m_was_slow;
    std::unique_ptr<ChangeFeed> m_feed;
    Follower m_follower;
    Clock::time_point m_checked;
};

/// What nobody follows must not stay. The error that led here is what counts.
void drop_all(Context& context) {
    try {
        context.cache().drop_all();
    } catch (const CacheError& error) {
        context.reporter().warn(error.what());
    }
}

bool is_outage(const Error& error) {
    return error.kind() == ErrorKind::store_failed || error.kind() == ErrorKind::cache_failed;
}

} // namespace

void follow(Context& context) {
    ServiceManager manager(process_environment);
    Outage outage(context.reporter());
    bool was_slow = false;
    for (;;) {
        try {
            Session(context, manager, outage, was_slow).run();
        } catch (const NotFollowed&) {
            drop_all(context);
            throw;
        } catch (const Error& error) {
            if (!is_outage(error)) {
                throw;
            }
            outage.failed(error);
        }
        context.disconnect();
        manager.alive();
        pause_for(outage.next_pause());
    }
}

} // namespace ordercache
