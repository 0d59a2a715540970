#pragma once

#include "base/signals.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace ordercache {

/// The moment at which a wait ends, or never.
class Deadline {
public:
    static Deadline never() { return Deadline{std::nullopt}; }
    static Deadline in(std::chrono::milliseconds duration);

    /// This deadline, or one in `duration` if that is earlier.
    Deadline or_in(std::chrono::milliseconds duration) const;

    /// When half of the time that is left has passed.
    Deadline halfway() const;

    /// This deadline plus `duration`.
    Deadline later_by(std::chrono::milliseconds duration) const;

    bool passed() const;

    /// The time left: zero if the deadline has passed, nullopt if it never comes.
    std::optional<std::chrono::nanoseconds> left() const;

private:
    using Moment = std::chrono::steady_clock::time_point;
    explicit Deadline(std::optional<Moment> moment) : m_moment(moment) {}

    std::optional<Moment> m_moment;
};

/// The user's --timeout: it bounds the whole of a command, or each wait of a batch.
class TimeLimit {
public:
    static TimeLimit whole(std::optional<std::chrono::milliseconds> limit) {
        return until(limit ? Deadline::in(*limit) : Deadline::never());
    }
    static TimeLimit each_wait(std::optional<std::chrono::milliseconds> limit) {
        return {Deadline::never(), limit};
    }
    static TimeLimit until(Deadline deadline) { return {deadline, std::nullopt}; }
    static TimeLimit none() { return until(Deadline::never()); }

    /// Returns when a wait that begins now must end.
    Deadline deadline() const { return m_each_wait ? m_whole.or_in(*m_each_wait) : m_whole; }

private:
    TimeLimit(Deadline whole, std::optional<std::chrono::milliseconds> each_wait)
        : m_whole(whole), m_each_wait(each_wait) {}

    Deadline m_whole;
    std::optional<std::chrono::milliseconds> m_each_wait;
};

/// Waits until `fd` is ready for `events` (poll's). Returns false if the deadline came first.
/// Throws Interrupted when a signal arrives, unless `signals` is Signals::wait.
bool wait_for(int fd, short events, Deadline deadline, Signals signals = Signals::interrupt);

/// A function that sleeps, such as pause_for(). Tests replace it.
using Pause = std::function<void(std::chrono::milliseconds)>;

/// Sleeps. Throws Interrupted when a signal arrives.
void pause_for(std::chrono::milliseconds duration);

/// Thrown by `run_cancellable` when the deadline came before the call's end.
struct TimedOut {};

/// Thrown by `run_cancellable` when the call was not begun, because no thread could be started or
/// too many calls hang. The message is for the user.
class NoThread : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// How long a blocking call may run, what is done meanwhile, and how it is ended.
struct CallOptions {
    Deadline deadline = Deadline::never();
    Signals signals = Signals::interrupt;
    std::chrono::milliseconds tick_interval{500};
    std::function<void()> tick = {}; ///< Called each interval, in the thread that waits.
    std::function<void()> end =
        {}; ///< Makes the call end, for example by a shutdown of its socket.
};

/// Runs `call`, which must not throw, in a second thread while this one waits.
void run_in_thread(std::function<void()> call, const CallOptions& options);

/// Runs a blocking call in a second thread, and returns or throws what it does. When the deadline
/// comes, a signal arrives or the tick throws, the call is made to end. Then TimedOut, Interrupted
/// or the tick's exception is thrown. A call that cannot be ended, such as the look-up of a name,
/// goes on in its thread: it must own all that it uses.
template <typename Call>
auto run_cancellable(Call call, const CallOptions& options) {
    auto task = std::make_shared<std::packaged_task<std::invoke_result_t<Call>()>>(std::move(call));
    auto result = task->get_future();
    run_in_thread([task] { (*task)(); }, options);
    return result.get();
}

} // namespace ordercache
