#pragma once

#include <poll.h>

#include <csignal>
#include <ctime>
#include <optional>

namespace ordercache {

/// Thrown out of a wait that SIGINT, SIGTERM or SIGHUP ended, so that leases are released and
/// queries cancelled on the way out. main then ends the process by the same signal.
struct Interrupted {
    int signal;
};

/// Holds SIGINT, SIGTERM and SIGHUP back from here on: they arrive where the program waits, and
/// nowhere else. One that was ignored when the program started stays ignored. Call it once, before
/// any other thread is started.
void hold_signals();

/// Has a write to a closed pipe or connection (SIGPIPE), or past the limit of a file's size
/// (SIGXFSZ), fail instead of ending the program. Returns whether a closed pipe would have ended
/// it: it would not if the parent had SIGPIPE ignored.
bool ignore_signals_of_writes();

/// The signal mask to wait with, in which the held signals arrive.
const sigset_t& mask_for_waiting();

/// ppoll, also where the system has pselect alone: there, of each `fd` either POLLIN or POLLOUT is
/// waited for, and `revents` is not set. A null `timeout` is none; a null `mask` changes nothing.
int poll_with_mask(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask);

/// Returns and forgets the held signal that has arrived, if any.
std::optional<int> take_signal();

/// As take_signal, but first lets one arrive that is still held back.
std::optional<int> take_held_signal();

/// Has a signal that was taken arrive again at the next wait. Call hold_signals() before.
void put_back(int signal);

/// Whether a signal has arrived, held back or not; a later take_held_signal() returns it.
bool has_held_signal();

/// Ends the process as `signal` does by default, or else with status 128 + `signal`.
[[noreturn]] void end_by_signal(int signal);

} // namespace ordercache
