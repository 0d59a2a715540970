#include "base/signals.hpp"
#include "base/waiting.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

using namespace ordercache;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

class Pipe {
public:
    Pipe() { REQUIRE(pipe(m_ends.data()) == 0); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close(m_ends[0]);
        close(m_ends[1]);
    }

    int reading_end() const { return m_ends[0]; }
    void write_byte() const { REQUIRE(write(m_ends[1], "x", 1) == 1); }

private:
    std::array<int, 2> m_ends{};
};

/// A blocking call that lasts until it is ended.
class BlockingCall {
public:
    /// What the call does; owns all that it uses.
    std::function<void()> body() const {
        return [end = m_end] { end->get_future().wait(); };
    }

    /// Ends the call.
    std::function<void()> ending() const {
        return [end = m_end] { end->set_value(); };
    }

private:
    std::shared_ptr<std::promise<void>> m_end = std::make_shared<std::promise<void>>();
};

constexpr int k_held = 0;
constexpr int k_not_held = 1;

/// Runs `act` in a process of its own, for signals and threads left behind are the whole process's.
/// Gives its status as waitpid does.
int status_in_child(const std::function<int()>& act) {
    std::cout.flush(); // or the child would write again what is buffered
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        alarm(10);
        try {
            _exit(act());
        } catch (...) {
            _exit(k_not_held);
        }
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

/// Without the signals that a background job, or one under nohup, has ignored.
void stop_ignoring_signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        static_cast<void>(std::signal(signal, SIG_DFL));
    }
}

bool holds_in_child(const std::function<bool()>& act) {
    const auto run = [&] {
        stop_ignoring_signals();
        return act() ? k_held : k_not_held;
    };
    return status_in_child(run) == k_held;
}

void signal_self(int signal) {
    if (raise(signal) != 0) {
        throw std::runtime_error("raise");
    }
}

/// The signal that ended a wait, 0 where none did.
int interrupted_by(const std::function<void()>& wait) {
    try {
        wait();
        return 0;
    } catch (const Interrupted& interrupted) {
        return interrupted.signal;
    }
}

template <typename Exception>
bool throws(const std::function<void()>& act) {
    try {
        act();
        return false;
    } catch (const Exception&) {
        return true;
    }
}

/// No thread can be started any more: root has no limit of processes, and so becomes a user.
void be_limited_to_own_processes() {
    constexpr uid_t nobody_else = 54321;
    const rlimit none = {0, 0};
    if ((geteuid() == 0 && setresuid(nobody_else, nobody_else, nobody_else) != 0) ||
        setrlimit(RLIMIT_NPROC, &none) != 0) {
        throw std::runtime_error("setrlimit");
    }
}

CallOptions options_for(std::chrono::milliseconds duration) {
    CallOptions options;
    options.deadline = Deadline::in(duration);
    return options;
}

} // namespace

TEST_CASE("a deadline that never comes has not passed and has no time left to tell") {
    CHECK_FALSE(Deadline::never().passed());
    CHECK_FALSE(Deadline::never().left());
}

TEST_CASE("a deadline tells what is left until it has passed, then zero") {
    const auto later = Deadline::in(1h);
    CHECK_FALSE(later.passed());
    CHECK(*later.left() <= 1h);
    CHECK(*later.left() > 59min);

    const auto now = Deadline::in(0ms);
    CHECK(now.passed());
    CHECK(*now.left() == 0ns);
    CHECK(*Deadline::in(-1s).left() == 0ns);
}

TEST_CASE("of two deadlines the first counts") {
    CHECK(*Deadline::in(2h).or_in(1h).left() <= 1h);
    CHECK(*Deadline::in(1h).or_in(2h).left() <= 1h);
    CHECK(*Deadline::never().or_in(1h).left() <= 1h);
}

TEST_CASE("a limit of the whole is used up by the waits, a limit of each wait is not") {
    const auto whole = TimeLimit::whole(5ms);
    const auto each = TimeLimit::each_wait(1h);
    pause_for(300ms);
    CHECK(whole.deadline().passed());
    CHECK(*each.deadline().left() > 1h - 300ms);
}

TEST_CASE("no limit is no deadline") {
    CHECK_FALSE(TimeLimit::whole(std::nullopt).deadline().left());
    CHECK_FALSE(TimeLimit::each_wait(std::nullopt).deadline().left());
}

TEST_CASE("a wait for a file descriptor ends when it is ready or the deadline comes") {
    const Pipe pipe;
    const auto start = Clock::now();
    CHECK_FALSE(wait_for(pipe.reading_end(), POLLIN, Deadline::in(20ms)));
    CHECK(Clock::now() - start >= 20ms);

    pipe.write_byte();
    CHECK(wait_for(pipe.reading_end(), POLLIN, Deadline::never()));
    CHECK(wait_for(pipe.reading_end(), POLLIN, Deadline::in(0ms)));
}

TEST_CASE("a pause lasts as long as it was asked to") {
    const auto start = Clock::now();
    pause_for(20ms);
    CHECK(Clock::now() - start >= 20ms);
}

TEST_CASE("a cancellable call's value comes back, if it can only be moved too") {
    CHECK(run_cancellable([] { return 12000; }, {}) == 12000);
    CHECK(*run_cancellable([] { return std::make_unique<int>(7); }, {}) == 7);
}

TEST_CASE("a cancellable call's exception comes back") {
    const auto fail = []() -> int { throw std::runtime_error("no answer"); };
    CHECK_THROWS_WITH_AS(run_cancellable(fail, {}), "no answer", std::runtime_error);
}

TEST_CASE("what a cancellable call owns is gone when it has returned") {
    const auto owned = std::make_shared<int>(1);
    run_cancellable([copy = owned] { return *copy; }, {});
    CHECK(owned.use_count() == 1);
}

TEST_CASE("a cancellable call ticks while it runs, in the thread that waits") {
    const BlockingCall call;
    int ticks = 0;
    CallOptions options = options_for(10s);
    options.end = call.ending();
    options.tick_interval = 2ms;
    options.tick = [&, waiting = std::this_thread::get_id()] {
        CHECK(std::this_thread::get_id() == waiting);
        if (++ticks == 3) {
            call.ending()();
        }
    };
    run_cancellable(call.body(), options);
    CHECK(ticks >= 3);
}

TEST_CASE("a tick does not put off the deadline") {
    CHECK(holds_in_child([] {
        const BlockingCall call;
        CallOptions options = options_for(30ms);
        options.tick_interval = 10ms;
        options.tick = [] {};
        options.end = call.ending();
        return throws<TimedOut>([&] { run_cancellable(call.body(), options); });
    }));
}

TEST_CASE("a cancellable call that is past its deadline is made to end, and joined") {
    CHECK(holds_in_child([] {
        const BlockingCall call;
        const auto ended = std::make_shared<std::atomic<bool>>(false);
        CallOptions options = options_for(5ms);
        options.end = call.ending();
        const auto body = [wait = call.body(), ended] {
            wait();
            std::this_thread::sleep_for(20ms);
            *ended = true;
        };
        const bool timed_out = throws<TimedOut>([&] { run_cancellable(body, options); });
        return timed_out && *ended && ended.use_count() == 2;
    }));
}

TEST_CASE("a call that nothing can end is left to itself at once, and of these there are few") {
    CHECK(holds_in_child([] {
        const auto start = Clock::now();
        for (int i = 0; i < 8; ++i) {
            if (!throws<TimedOut>([&] { run_cancellable([] { pause(); }, options_for(5ms)); })) {
                return false;
            }
        }
        const bool refused = throws<NoThread>([] { run_cancellable([] { return 1; }, {}); });
        return refused && Clock::now() - start < 5s;
    }));
}

TEST_CASE("a tick that throws ends the cancellable call") {
    CHECK(holds_in_child([] {
        const BlockingCall call;
        CallOptions options;
        options.tick_interval = 1ms;
        options.tick = [] { throw std::runtime_error("enough"); };
        options.end = call.ending();
        return throws<std::runtime_error>([&] { run_cancellable(call.body(), options); });
    }));
}

TEST_CASE("a held signal does nothing until the program waits, and then ends the wait") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        CHECK(holds_in_child([&] {
            hold_signals();
            signal_self(signal);
            return interrupted_by([] { pause_for(5s); }) == signal && !has_held_signal();
        }));
        CHECK(holds_in_child([&] {
            const Pipe pipe;
            hold_signals();
            signal_self(signal);
            return interrupted_by(
                       [&] { wait_for(pipe.reading_end(), POLLIN, Deadline::in(5s)); }) == signal;
        }));
    }
}

TEST_CASE("a signal that arrives during a wait ends it") {
    CHECK(holds_in_child([] {
        hold_signals();
        std::thread sender([] {
            std::this_thread::sleep_for(20ms);
            kill(getpid(), SIGTERM);
        });
        const auto start = Clock::now();
        const int signal = interrupted_by([] { pause_for(1h); });
        sender.join();
        return signal == SIGTERM && Clock::now() - start < 1h;
    }));
}

TEST_CASE("a signal ends a cancellable call") {
    CHECK(holds_in_child([] {
        hold_signals();
        const BlockingCall call;
        CallOptions options = options_for(5s);
        options.end = call.ending();
        signal_self(SIGTERM);
        return interrupted_by([&] { run_cancellable(call.body(), options); }) == SIGTERM;
    }));
}

TEST_CASE("a wait for which signals are to wait goes on, and the signal is there afterwards") {
    CHECK(holds_in_child([] {
        const Pipe pipe;
        hold_signals();
        signal_self(SIGTERM);
        const auto start = Clock::now();
        const auto wait = [&] {
            wait_for(pipe.reading_end(), POLLIN, Deadline::in(20ms), Signals::wait);
        };
        return interrupted_by(wait) == 0 && Clock::now() - start >= 20ms &&
               interrupted_by(throw_if_signalled) == SIGTERM && !has_held_signal();
    }));
    CHECK(holds_in_child([] {
        hold_signals();
        CallOptions options;
        options.signals = Signals::wait;
        signal_self(SIGINT);
        const auto call = [] {
            std::this_thread::sleep_for(20ms);
            return 12001;
        };
        return run_cancellable(call, options) == 12001 &&
               interrupted_by(throw_if_signalled) == SIGINT;
    }));
}

TEST_CASE("a signal that is put back arrives at the next wait") {
    CHECK(holds_in_child([] {
        hold_signals();
        signal_self(SIGTERM);
        const int first = interrupted_by([] { pause_for(5s); });
        put_back(first);
        return first == SIGTERM && interrupted_by([] { pause_for(5s); }) == SIGTERM;
    }));
}

TEST_CASE("a write past the limit of a file's size fails instead of ending the process") {
    CHECK(holds_in_child([] {
        ignore_signals_of_writes();
        const rlimit none = {0, 0};
        return setrlimit(RLIMIT_FSIZE, &none) == 0 && write(memfd_create("file", 0), "x", 1) < 0 &&
               errno == EFBIG;
    }));
}

TEST_CASE("a call for which no thread can be started is not begun, and says so") {
    CHECK(holds_in_child([] {
        be_limited_to_own_processes();
        return throws<NoThread>([] { run_cancellable([] { return 1; }, {}); });
    }));
}

TEST_CASE("a signal that was ignored at the start stays ignored") {
    CHECK(holds_in_child([] {
        if (std::signal(SIGHUP, SIG_IGN) == SIG_ERR) {
            return false;
        }
        hold_signals();
        signal_self(SIGHUP);
        return interrupted_by([] { pause_for(5ms); }) == 0;
    }));
}

TEST_CASE("a process that ends by a signal shows that to its parent") {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        const int status = status_in_child([&]() -> int {
            hold_signals();
            end_by_signal(signal);
        });
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == signal);
    }
}
