#include "base/signals.hpp"

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

/// Sets what a signal does, but where the parent had it ignored; gives whether it did.
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

bool has_held_signal() {
    const timespec no_time = {};
    ppoll(nullptr, 0, &no_time, &g_mask_for_waiting);
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
    std::abort();
}

} // namespace ordercache
