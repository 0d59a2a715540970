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
#include <memory>
#include <string>

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

/// What outlasts a session.
struct State {
    ServiceManager manager;
    Outage outage;
    bool has_begun = false; ///< PostgreSQL has accepted a login.
    bool was_slow = false;
};

/// Follows as long as both servers answer.
class Session {
public:
    Session(Context& context, State& state)
        : m_context(context), m_state(state), m_feed(context.change_feed()),
          m_follower(*m_feed, context.cache(), context.reporter()) {}

    [[noreturn]] void run() {
        start();
        for (;;) {
            const auto begin = Clock::now();
            follow();
            pause_after(time_since(begin));
            m_feed->count_anew([this] { follow(); });
        }
    }

private:
    void follow() {
        if (!m_follower.follow()) {
            start();
        }
        m_state.manager.alive();
    }

    /// Waits as long as another follower is at work.
    void start() {
        if (!m_follower.start()) {
            tell("Another follower is at work; waiting to take over");
            do {
                m_state.manager.alive();
                pause_for(k_longest_pause);
            } while (!m_follower.start());
        }
        m_state.outage.end();
        tell("Following what others write to orders");
    }

    void tell(const char* what) {
        m_context.reporter().note(what);
        m_state.has_begun = true;
        m_state.manager.status(what);
    }

    /// After slow work the pause is as long as the work, but not so long that the sign of life
    /// lapses before the next poll has ended.
    void pause_after(std::chrono::milliseconds took) {
        if (took > k_noticeable_lag && !m_state.was_slow) {
            m_context.reporter().warn(fmt::format(
                "reading what others changed takes {} ms: counts lag by that much", took.count()));
            m_state.was_slow = true;
        }
        const auto until_late = std::max(k_poll_interval, k_sign_renewal - 2 * took);
        pause_for(std::max(k_poll_interval - took, std::min(took, until_late)));
    }

    Context& m_context;
    State& m_state;
    std::unique_ptr<PostgresChangeFeed> m_feed;
    Follower m_follower;
};

/// Counts that no follower watches must not stay. A failure is only a warning, since another error
/// is ending the program.
void drop_all(Context& context) {
    try {
        context.cache().drop_all();
    } catch (const CacheError& error) {
        context.reporter().warn(error.what());
    }
}

/// Returns whether it helps to try again. A login that was refused may be accepted later if one was
/// accepted before: the password is being changed.
bool is_outage(const Error& error, bool has_begun) {
    const bool is_refused = dynamic_cast<const LoginRefused*>(&error) != nullptr;
    return (error.kind() == ErrorKind::store_failed && (has_begun || !is_refused)) ||
           error.kind() == ErrorKind::cache_failed;
}

} // namespace

void follow(Context& context) {
    State state{ServiceManager(process_environment), Outage(context.reporter())};
    for (;;) {
        try {
            Session(context, state).run();
        } catch (const NotFollowed&) {
            drop_all(context);
            state.manager.status("");
            throw;
        } catch (const Error& error) {
            if (!is_outage(error, state.has_begun)) {
                state.manager.status("");
                throw;
            }
            state.outage.failed(error);
        }
        context.disconnect();
        state.manager.status(state.outage.status()); // it has started without the servers
        state.manager.alive();
        pause_for(state.outage.next_pause());
    }
}

} // namespace ordercache
