#pragma once

#include "base/exit_status.hpp"
#include "cli/command_line.hpp"

namespace ordercache {

class Context;

/// Runs a command, and writes the answer to stdout. Returns `no` if the answer is no, else `done`.
/// Throws Error.
ExitStatus run(const Count& count, Context& context);
ExitStatus run(const Add& add, Context& context);
ExitStatus run(const Invalidate& invalidate, Context& context);
ExitStatus run(const Ttl& ttl, Context& context);

/// Follows what other programs write, until a signal (Interrupted) or an error ends it.
[[noreturn]] void follow(Context& context);

} // namespace ordercache
