#pragma once

#include <csignal>
#include <ctime>

namespace ordercache {

/// Thrown out of a wait that SIGINT, SIGTERM or SIGHUP ended, so that leases are released and
/// queries cancelled on the way out. main then ends the process by the same signal.
struct Interrupted {
    int signal;
};

/// Blocks SIGINT, SIGTERM and SIGHUP except while the program waits. A signal that was ignored when
/// the program started stays ignored. Call it once, before any other thread is started.
void hold_signals();

/// Makes a write to a closed pipe or connection (SIGPIPE), or past the limit of a file's size
/// (SIGXFSZ), fail instead of ending the program. Returns false if the parent had SIGPIPE ignored.
bool ignore_signals_of_writes();

/// Whether the held signals arrive during a wait, or wait for its end.
enum class Signals { interrupt, wait };

/// Waits as ppoll does, with pselect on systems without ppoll. `events` is POLLIN or POLLOUT.
/// Without a descriptor (-1) it waits for the time alone. With a null `timeout` it waits without a
/// limit.
int poll_once(int fd, short events, const timespec* timeout, Signals signals);

/// Returns whether a signal has arrived. A later throw_if_signalled() throws it.
bool has_held_signal();

/// Throws Interrupted if a signal has arrived, and forgets the signal.
void throw_if_signalled();

/// Makes a signal that was thrown arrive again at the next wait. Call hold_signals() before.
void put_back(int signal);

/// Ends the process by the default action of `signal`, or with status 128 + `signal` if that does
/// not end it.
[[noreturn]] void end_by_signal(int signal);

} // namespace ordercache
