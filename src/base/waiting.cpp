#include "base/waiting.hpp"

#include "base/signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_cancel_grace = 1s;

bool g_abandoned_calls = false;

timespec to_timespec(std::chrono::nanoseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    return {seconds.count(), (duration - seconds).count()};
}

int poll_once(pollfd* fds, nfds_t count, Deadline deadline, Signals signals) {
    const auto left = deadline.left();
    const timespec timeout = to_timespec(left.value_or(0ns));
    return ppoll(fds, count, left ? &timeout : nullptr,
                 signals == Signals::interrupt ? &mask_for_waiting() : nullptr);
}

/// Tells the waiting thread, through a file descriptor that poll understands, that a call ended.
class Completion {
public:
    Completion() : m_fd(eventfd(0, EFD_CLOEXEC)) {
        if (m_fd < 0) {
            throw std::system_error(errno, std::generic_category(), "eventfd");
        }
    }
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;
    ~Completion() { close(m_fd); }

    void announce() const { eventfd_write(m_fd, 1); }

    bool wait(Deadline deadline, Signals signals) const {
        return wait_for(m_fd, POLLIN, deadline, signals);
    }

private:
    int m_fd;
};

/// A call in a thread of its own; throws std::system_error where it cannot have one. Before this
/// is destroyed, the thread must be joined or abandoned.
class RunningCall {
public:
    explicit RunningCall(std::function<void()> call)
        : m_thread([done = m_done, call = std::move(call)] {
              call();
              done->announce();
          }) {}

    const Completion& done() const { return *m_done; }

    void join() { m_thread.join(); }

    void join_or_abandon(Deadline deadline) {
        if (m_done->wait(deadline, Signals::wait)) {
            m_thread.join();
        } else {
            g_abandoned_calls = true;
            m_thread.detach();
        }
    }

private:
    std::shared_ptr<Completion> m_done = std::make_shared<Completion>();
    std::thread m_thread;
};

RunningCall start(std::function<void()> call) {
    try {
        return RunningCall(std::move(call));
    } catch (const std::system_error& error) {
        throw NoThread(std::string("cannot start a thread: ") + error.code().message() +
                       "; raise the limit of processes, memory or open files (ulimit -u, -v, -n)");
    }
}

void wait_until_done(const Completion& done, const CallOptions& options) {
    for (;;) {
        const bool ticks = static_cast<bool>(options.tick);
        if (done.wait(ticks ? options.deadline.or_in(options.tick_interval) : options.deadline,
                      options.signals)) {
            return;
        }
        if (options.deadline.passed()) {
            throw TimedOut{};
        }
        options.tick();
    }
}

/// Cancels in a thread of its own, which has until the deadline: a PgBouncer may die of a cancel
/// whose client leaves before it is through. Where there can be no thread, cancels in this one.
void cancel_until(Deadline deadline, const std::function<void()>& cancel, RunningCall& call) {
    std::optional<RunningCall> cancelling;
    try {
        cancelling.emplace(cancel);
    } catch (const std::system_error&) {
        cancel();
    }
    call.join_or_abandon(deadline);
    if (cancelling) {
        cancelling->join_or_abandon(deadline);
    }
}

/// Ends the call if that can be had within the grace; else leaves its thread behind.
void cancel_or_abandon(RunningCall& call, const CallOptions& options) {
    if (options.cancel) {
        cancel_until(Deadline::in(k_cancel_grace), options.cancel, call);
    } else {
        call.join_or_abandon(Deadline::in(0ms));
    }
}

} // namespace

Deadline Deadline::in(std::chrono::milliseconds duration) {
    return Deadline{std::chrono::steady_clock::now() + duration};
}

Deadline Deadline::or_in(std::chrono::milliseconds duration) const {
    const Deadline other = in(duration);
    return m_moment ? Deadline{std::min(*m_moment, *other.m_moment)} : other;
}

bool Deadline::passed() const {
    return m_moment && *m_moment <= std::chrono::steady_clock::now();
}

std::optional<std::chrono::nanoseconds> Deadline::left() const {
    if (!m_moment) {
        return std::nullopt;
    }
    return std::max<std::chrono::nanoseconds>(*m_moment - std::chrono::steady_clock::now(), 0ns);
}

TimeLimit TimeLimit::whole(std::optional<std::chrono::milliseconds> limit) {
    return {limit, limit ? Deadline::in(*limit) : Deadline::never()};
}

TimeLimit TimeLimit::each_wait(std::optional<std::chrono::milliseconds> limit) {
    return {limit, std::nullopt};
}

Deadline TimeLimit::deadline() const {
    if (m_whole) {
        return *m_whole;
    }
    return m_limit ? Deadline::in(*m_limit) : Deadline::never();
}

bool wait_for(int fd, short events, Deadline deadline, Signals signals) {
    pollfd polled = {fd, events, 0};
    for (;;) {
        const int ready = poll_once(&polled, 1, deadline, signals);
        if (ready >= 0) {
            return ready > 0;
        }
        if (errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
        if (const auto signal = take_signal()) {
            throw Interrupted{*signal};
        }
    }
}

void pause_for(std::chrono::milliseconds duration) {
    const Deadline deadline = Deadline::in(duration);
    while (!deadline.passed()) {
        poll_once(nullptr, 0, deadline, Signals::interrupt);
        if (const auto signal = take_signal()) {
            throw Interrupted{*signal};
        }
    }
}

void run_in_thread(std::function<void()> call, const CallOptions& options) {
    RunningCall running = start(std::move(call));
    try {
        wait_until_done(running.done(), options);
    } catch (...) {
        cancel_or_abandon(running, options);
        throw;
    }
    running.join();
}

bool has_abandoned_calls() {
    return g_abandoned_calls;
}

} // namespace ordercache
