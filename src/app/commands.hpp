#pragma once

#include "cli/command_line.hpp"

namespace ordercache {

class Context;

/// Runs a command, and writes the answer to stdout. Returns false if the answer is no. Throws
/// Error.
bool run(const Count& count, Context& context);
bool run(const Add& add, Context& context);
bool run(const Invalidate& invalidate, Context& context);
bool run(const Ttl& ttl, Context& context);

/// Follows what other programs write, until a signal (Interrupted) or an error ends it.
[[noreturn]] void follow(Context& context);

} // namespace ordercache
