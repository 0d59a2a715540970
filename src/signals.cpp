#include "signals.hpp"

#include <poll.h>

#include <array>
#include <cstdlib>
#include <ctime>

namespace ordercache {

namespace {

constexpr std::array k_held = {SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t g_arrived = 0;
sigset_t g_mask_for_waiting;

void note_arrival(int signal) {
    g_arrived = signal;
}

bool is_ignored(int signal) {
    struct sigaction current = {};
    sigaction(signal, nullptr, &current);
    return current.sa_handler == SIG_IGN;
}

void handle(int signal) {
    struct sigaction action = {};
    action.sa_handler = note_arrival;
    sigaction(signal, &action, nullptr);
}

} // namespace

void hold_signals() {
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : k_held) {
        if (!is_ignored(signal)) {
            sigaddset(&held, signal);
            handle(signal);
        }
    }
    sigprocmask(SIG_BLOCK, &held, &g_mask_for_waiting);
}

bool ignore_sigpipe() {
    if (is_ignored(SIGPIPE)) {
        return false;
    }
    struct sigaction action = {};
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
    return true;
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

std::optional<int> take_held_signal() {
    const timespec no_time = {};
    ppoll(nullptr, 0, &no_time, &g_mask_for_waiting);
    return take_signal();
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
    std::abort();
}

} // namespace ordercache
