#pragma once

#include <csignal>
#include <optional>

namespace ordercache {

/// Thrown out of a wait that SIGINT, SIGTERM or SIGHUP ended, so that leases are released and
/// queries cancelled on the way out. Not an Error: main ends the process by the same signal.
struct Interrupted {
    int signal;
};

/// Holds SIGINT, SIGTERM and SIGHUP back from here on: they are seen where the program waits, and
/// nowhere else. One that was ignored when the program started stays ignored. Call it once, before
/// any other thread is started.
void hold_signals();

/// Has a write fail instead of end the program: to a pipe or a connection that was closed
/// (SIGPIPE), and past the limit of a file's size (SIGXFSZ). Gives whether a closed pipe would have
/// ended it: where the parent had SIGPIPE ignored, it would not.
bool ignore_signals_of_writes();

/// The signal mask to wait with, in which the held signals arrive.
const sigset_t& mask_for_waiting();

/// The held signal that has arrived, if any, and forgets it.
std::optional<int> take_signal();

/// As take_signal, but lets one arrive that is still held back.
std::optional<int> take_held_signal();

/// Has a signal that was taken arrive again at the next wait. hold_signals() must have been called.
void put_back(int signal);

/// Whether one has arrived, held back or not; a later take_held_signal() gives it.
bool has_held_signal();

/// Ends the process as `signal` does by default, for the parent to see.
[[noreturn]] void end_by_signal(int signal);

} // namespace ordercache
