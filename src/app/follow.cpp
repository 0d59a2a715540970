#include "app/commands.hpp"

#include "app/context.hpp"
#include "app/outage.hpp"
#include "base/error.hpp"
#include "base/waiting.hpp"
#include "cache_aside/follower.hpp"
#include "io/service_manager.hpp"
#include "postgres/change_feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace ordercache {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds k_longest_pause = 1s;
constexpr std::chrono::milliseconds k_noticeable_lag = 1s;

/// A sign of life lasts 2 s from the beginning of its poll.
constexpr std::chrono::milliseconds k_sign_renewal = 1800ms;

std::chrono::milliseconds time_since(Clock::time_point begin) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
}

/// Counts that no follower watches must not stay. A failure is only a warning, since another error
/// is ending the program.
void drop_all(Context& context) {
    try {
        context.cache().drop_all();
    } catch (const CacheError& error) {
        context.reporter().warn(error.what());
    }
}

/// Follows, and starts again after it lost PostgreSQL or Redis.
class Following {
public:
    explicit Following(Context& context) : m_context(context), m_outage(context.reporter()) {}

    [[noreturn]] void run() {
        for (;;) {
            try {
                follow_until_lost();
            } catch (const NotFollowed&) {
                drop_all(m_context);
                m_manager.status("");
                throw;
            } catch (const Error& error) {
                if (!is_outage(error)) {
                    m_manager.status("");
                    throw;
                }
                m_outage.failed(error);
            }
            m_context.disconnect();
            m_manager.status(m_outage.status()); // it has started without the servers
            m_manager.alive();
            pause_for(m_outage.next_pause());
        }
    }

private:
    [[noreturn]] void follow_until_lost() {
        const auto feed = m_context.change_feed();
        Follower follower(*feed, m_context.cache(), m_context.reporter());
        start(follower);
        for (;;) {
            const auto begin = Clock::now();
            follow(follower);
            pause_after(time_since(begin));
            feed->count_anew([&] { follow(follower); });
        }
    }

    void follow(Follower& follower) {
        if (!follower.follow()) {
            start(follower);
        }
        m_manager.alive();
    }

    /// Waits as long as another follower is at work.
    void start(Follower& follower) {
        if (!follower.start()) {
            tell("Another follower is at work; waiting to take over");
            do {
                m_manager.alive();
                pause_for(k_longest_pause);
            } while (!follower.start());
        }
        m_outage.end();
        tell("Following what others write to orders");
    }

    void tell(const char* what) {
        m_context.reporter().note(what);
        m_has_begun = true;
        m_manager.status(what);
    }

    /// After slow work the pause is as long as the work, but not so long that the sign of life
    /// lapses before the next poll has ended.
    void pause_after(std::chrono::milliseconds took) {
        if (took > k_noticeable_lag && !m_was_slow) {
            m_context.reporter().warn(fmt::format(
                "reading what others changed takes {} ms: counts lag by that much", took.count()));
            m_was_slow = true;
        }
        const auto until_late = std::max(k_poll_interval, k_sign_renewal - 2 * took);
        pause_for(std::max(k_poll_interval - took, std::min(took, until_late)));
    }

    /// Returns whether it helps to try again. A login that was refused may be accepted later if one
    /// was accepted before: the password is being changed.
    bool is_outage(const Error& error) const {
        const bool is_refused = dynamic_cast<const LoginRefused*>(&error) != nullptr;
        return (error.kind() == ErrorKind::store_failed && (m_has_begun || !is_refused)) ||
               error.kind() == ErrorKind::cache_failed;
    }

    Context& m_context;
    ServiceManager m_manager{process_environment};
    Outage m_outage;
    bool m_has_begun = false; ///< PostgreSQL has accepted a login.
    bool m_was_slow = false;
};

} // namespace

void follow(Context& context) {
    Following(context).run();
}

} // namespace ordercache
