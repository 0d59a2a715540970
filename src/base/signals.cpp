#include "base/signals.hpp"

#include <poll.h>
#include <sys/select.h>
#include <unistd.h>

#include <array>

namespace ordercache {

namespace {

constexpr std::array k_held = {SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t g_arrived = 0;
sigset_t g_mask_for_waiting;

void note_arrival(int signal) {
    g_arrived = signal;
}

/// Sets what a signal does, and returns true, unless the parent had it ignored.
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

int poll_once(int fd, short events, const timespec* timeout, Signals signals) {
    const sigset_t* const mask = signals == Signals::interrupt ? &g_mask_for_waiting : nullptr;
#if defined(__linux__) || defined(__FreeBSD__)
    pollfd polled = {fd, events, 0};
    return ppoll(&polled, 1, timeout, mask);
#else
    fd_set set;
    FD_ZERO(&set);
    if (fd >= 0) {
        FD_SET(fd, &set);
    }
    const bool reads = events == POLLIN;
    return pselect(fd + 1, reads ? &set : nullptr, reads ? nullptr : &set, nullptr, timeout, mask);
#endif
}

bool has_held_signal() {
    const timespec no_time = {};
    poll_once(-1, 0, &no_time, Signals::interrupt);
    return g_arrived != 0;
}

void throw_if_signalled() {
    if (has_held_signal()) {
        const int signal = g_arrived;
        g_arrived = 0;
        throw Interrupted{signal};
    }
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
    // The signal does not end the first process of a container.
    constexpr int k_ended_by_signal = 128;
    _exit(k_ended_by_signal + signal);
}

} // namespace ordercache
