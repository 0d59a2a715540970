#include "base/signals.hpp"

#include <sys/select.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace ordercache {

namespace {

constexpr std::array k_held = {SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t g_arrived = 0;
sigset_t g_mask_for_waiting;

void note_arrival(int signal) {
    g_arrived = signal;
}

#if !defined(__linux__) && !defined(__FreeBSD__)
/// pselect's sets of what to wait for, as poll has it.
class Sets {
public:
    Sets(const pollfd* fds, nfds_t count) {
        FD_ZERO(&reading);
        FD_ZERO(&writing);
        for (nfds_t i = 0; i < count; ++i) {
            fd_set& set = (fds[i].events & POLLIN) != 0 ? reading : writing;
            FD_SET(fds[i].fd, &set);
            highest = std::max(highest, fds[i].fd);
        }
    }

    fd_set reading;
    fd_set writing;
    int highest = -1;
};
#endif

/// Sets what a signal does, unless the parent had it ignored. Returns whether it did.
bool set_handler(int signal, void (*handler)(int)) {
    struct sigaction action = {};
    struct sigaction inherited = {};
    action.sa_handler = handler;
    sigaction(signal, &action, &inherited);
    if (inherited.sa_handler != SIG_IGN) {
        return true;
    }
    sigaction(signal, &inherited, nullptr);
    return false;
}

} // namespace

void hold_signals() {
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : k_held) {
        sigaddset(&held, signal);
    }
    sigprocmask(SIG_BLOCK, &held, &g_mask_for_waiting);
    for (const int signal : k_held) {
        set_handler(signal, note_arrival);
    }
}

bool ignore_signals_of_writes() {
    set_handler(SIGXFSZ, SIG_IGN);
    return set_handler(SIGPIPE, SIG_IGN);
}

const sigset_t& mask_for_waiting() {
    return g_mask_for_waiting;
}

std::optional<int> take_signal() {
    if (g_arrived == 0) {
        return std::nullopt;
    }
    const int signal = g_arrived;
    g_arrived = 0;
    return signal;
}

int poll_with_mask(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
#if defined(__linux__) || defined(__FreeBSD__)
    return ppoll(fds, count, timeout, mask);
#else
    Sets sets(fds, count);
    return pselect(sets.highest + 1, &sets.reading, &sets.writing, nullptr, timeout, mask);
#endif
}

bool has_held_signal() {
    const timespec no_time = {};
    poll_with_mask(nullptr, 0, &no_time, &g_mask_for_waiting);
    return g_arrived != 0;
}

std::optional<int> take_held_signal() {
    static_cast<void>(has_held_signal());
    return take_signal();
}

void put_back(int signal) {
    static_cast<void>(raise(signal)); // blocked, and so held back
}

void end_by_signal(int signal) {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    sigaction(signal, &action, nullptr);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    sigprocmask(SIG_UNBLOCK, &only, nullptr);
    static_cast<void>(raise(signal));
    // It does nothing to the first process of a container.
    constexpr int k_ended_by_signal = 128;
    _exit(k_ended_by_signal + signal);
}

} // namespace ordercache
