#include "base/waiting.hpp"

#include "base/signals.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_cancel_grace = 1s;
constexpr auto k_end_grace = 500ms;
constexpr int k_most_calls = 8;

timespec to_timespec(std::chrono::nanoseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    return {seconds.count(), (duration - seconds).count()};
}

int poll_once(pollfd* fds, nfds_t count, Deadline deadline, Signals signals) {
    const auto left = deadline.left();
    const timespec timeout = to_timespec(left.value_or(0ns));
    return poll_with_mask(fds, count, left ? &timeout : nullptr,
                          signals == Signals::interrupt ? &mask_for_waiting() : nullptr);
}

class Pipe {
public:
    Pipe() {
        if (pipe(m_ends.data()) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe");
        }
        for (const int end : m_ends) {
            fcntl(end, F_SETFD, FD_CLOEXEC);
        }
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(m_ends[0]);
        close_writing_end();
    }

    int reading_end() const { return m_ends[0]; }
    int writing_end() const { return m_ends[1]; }

    void close_writing_end() {
        if (m_ends[1] >= 0) {
            close(std::exchange(m_ends[1], -1));
        }
    }

private:
    std::array<int, 2> m_ends{};
};

/// Tells the waiting thread, through a file descriptor that poll understands, that a call ended.
/// There is one for each call until its thread has ended.
class Completion {
public:
    Completion() {
        if (++g_calls > k_most_calls) {
            --g_calls;
            throw NoThread("too many calls hang, as the look-up of a name or the reading of a file "
                           "may");
        }
    }
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;
    ~Completion() { --g_calls; }

    void announce() const {
        static_cast<void>(!write(m_pipe.writing_end(), "", 1)); // an empty pipe takes a byte
    }

    bool wait(Deadline deadline, Signals signals) const {
        return wait_for(m_pipe.reading_end(), POLLIN, deadline, signals);
    }

private:
    static std::atomic<int> g_calls;
    Pipe m_pipe;
};

std::atomic<int> Completion::g_calls = 0;

/// A call in a thread of its own; throws std::system_error if there can be none. Before this is
/// destroyed, the thread must be joined or left.
class RunningCall {
public:
    explicit RunningCall(std::function<void()> call)
        : m_thread([done = m_done, call = std::move(call)] {
              call();
              done->announce();
          }) {}

    const Completion& done() const { return *m_done; }

    void join() { m_thread.join(); }

    bool join_until(Deadline deadline) {
        const bool has_ended = m_done->wait(deadline, Signals::wait);
        if (has_ended) {
            m_thread.join();
        }
        return has_ended;
    }

    void leave() { m_thread.detach(); }

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

/// Only a call that waits for neither a socket nor a tick is left: in the kernel, for a file on a
/// mount that hangs, or for a name server. It holds nothing that another thread uses.
void end(RunningCall& call, const CallOptions& options) {
    if (options.cancel) {
        options.cancel();
        if (call.join_until(Deadline::in(k_cancel_grace))) {
            return;
        }
    }
    if (options.end) {
        options.end();
    }
    if (!call.join_until(Deadline::in(options.end ? k_end_grace : 0ms))) {
        call.leave();
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

Deadline Deadline::later_by(std::chrono::milliseconds duration) const {
    return m_moment ? Deadline{*m_moment + duration} : *this;
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
        if (signals == Signals::wait) {
            continue;
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
        end(running, options);
        throw;
    }
    running.join();
}

void run_in_process(const std::function<void()>& act, Deadline deadline) {
    Pipe pipe;
    const pid_t child = fork();
    if (child == 0) {
        act();
        _exit(0);
    }
    if (child < 0) {
        act(); // The limit of processes is reached: a cancel without a time limit beats none.
    } else {
        pipe.close_writing_end();
        wait_for(pipe.reading_end(), POLLIN, deadline,
                 Signals::wait); // it closes as the child ends
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
}

} // namespace ordercache
