#include "base/waiting.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_end_grace = 500ms;
constexpr std::size_t k_most_hanging_calls = 8;

timespec to_timespec(std::chrono::nanoseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    return {seconds.count(), (duration - seconds).count()};
}

/// Tells the waiting thread that a call has ended, through a descriptor that poll understands.
class Completion {
public:
    Completion() {
        if (pipe(m_ends.data()) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe");
        }
        for (const int end : m_ends) {
            fcntl(end, F_SETFD, FD_CLOEXEC);
        }
    }
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;
    ~Completion() {
        close(m_ends[0]);
        close(m_ends[1]);
    }

    void announce() const {
        static_cast<void>(!write(m_ends[1], "", 1)); // an empty pipe takes a byte
    }

    bool wait(Deadline deadline, Signals signals) const {
        return wait_for(m_ends[0], POLLIN, deadline, signals);
    }

private:
    std::array<int, 2> m_ends{};
};

/// The calls that could not be ended. The pointer to a call that has ended since is expired.
std::vector<std::weak_ptr<Completion>> g_hanging_calls;

void check_hanging_calls() {
    std::erase_if(g_hanging_calls, [](const auto& call) { return call.expired(); });
    if (g_hanging_calls.size() >= k_most_hanging_calls) {
        throw NoThread("too many calls hang, such as looking up a name or reading a file");
    }
}

void wait_until_done(const Completion& done, const CallOptions& options) {
    const bool ticks = static_cast<bool>(options.tick);
    while (!done.wait(ticks ? options.deadline.or_in(options.tick_interval) : options.deadline,
                      options.signals)) {
        if (options.deadline.passed()) {
            throw TimedOut{};
        }
        options.tick();
    }
}

/// Returns whether the call has ended. A call that has not reads a file on a mount that hangs, or
/// asks a name server.
bool end(const Completion& done, const CallOptions& options) {
    if (options.end) {
        options.end();
    }
    return done.wait(Deadline::in(options.end ? k_end_grace : 0ms), Signals::wait);
}

} // namespace

Deadline Deadline::in(std::chrono::milliseconds duration) {
    return Deadline{std::chrono::steady_clock::now() + duration};
}

Deadline Deadline::or_in(std::chrono::milliseconds duration) const {
    const Deadline other = in(duration);
    return m_moment ? Deadline{std::min(*m_moment, *other.m_moment)} : other;
}

Deadline Deadline::halfway() const {
    const auto time = left();
    return time ? in(std::chrono::ceil<std::chrono::milliseconds>(*time / 2)) : *this;
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

bool wait_for(int fd, short events, Deadline deadline, Signals signals) {
    for (;;) {
        const auto left = deadline.left();
        const timespec timeout = to_timespec(left.value_or(0ns));
        const int ready = poll_once(fd, events, left ? &timeout : nullptr, signals);
        if (ready >= 0) {
            return ready > 0;
        }
        if (errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "poll");
        }
        if (signals == Signals::interrupt) {
            throw_if_signalled();
        }
    }
}

void pause_for(std::chrono::milliseconds duration) {
    wait_for(-1, 0, Deadline::in(duration));
}

void run_in_thread(std::function<void()> call, const CallOptions& options) {
    check_hanging_calls();
    std::shared_ptr<Completion> done;
    std::thread thread;
    try {
        done = std::make_shared<Completion>();
        thread = std::thread([done, call = std::move(call)] {
            call();
            done->announce();
        });
    } catch (const std::system_error& error) {
        throw NoThread(std::string("cannot start a thread: ") + error.code().message() +
                       "; raise the limit of processes, memory or open files (ulimit -u, -v, -n)");
    }
    try {
        wait_until_done(*done, options);
    } catch (...) {
        if (end(*done, options)) {
            thread.join();
        } else {
            g_hanging_calls.emplace_back(done);
            thread.detach();
        }
        throw;
    }
    thread.join();
}

} // namespace ordercache
