#pragma once

#include "base/error.hpp"
#include "base/reporter.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace ordercache {

/// Returns the moment in UTC: `2026-11-29 03:16:29 UTC`.
std::string in_utc(std::chrono::system_clock::time_point moment);

/// What a follower says while PostgreSQL or Redis does not answer, and how long it waits before it
/// tries again. It warns of each reason once, and says now and then that it is still trying.
class Outage {
public:
    using Clock = std::chrono::system_clock;
    using Now = std::function<Clock::time_point()>;

    /// `reporter` must outlive this object.
    explicit Outage(Reporter& reporter, Now now = Clock::now)
        : m_reporter(reporter), m_now(std::move(now)) {}

    void failed(const Error& error);

    /// Both answer again.
    void end();

    /// The last failure and the time of the first one, in one line.
    std::string status() const;

    /// Returns the next pause. The first one is short, and each later one twice as long as the one
    /// before, up to a second.
    std::chrono::milliseconds next_pause();

private:
    struct State {
        Clock::time_point since;
        Clock::time_point next_reminder;
        std::chrono::seconds reminder_interval;
        std::set<std::string> told; ///< The reasons that were warned of.
        std::string last;
        std::chrono::milliseconds pause;
    };

    Reporter& m_reporter;
    Now m_now;
    std::optional<State> m_state; ///< nullopt if all is well.
};

} // namespace ordercache
