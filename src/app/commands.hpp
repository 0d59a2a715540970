#pragma once

#include "app/config.hpp"
#include "base/exit_status.hpp"
#include "base/reporter.hpp"
#include "cli/command_line.hpp"

namespace ordercache {

class Context;

/// Does what was asked for with the Redis and the PostgreSQL that `config` names, writes the
/// answer to stdout, and gives `done`, or `no` where the answer is no. Throws Error.
ExitStatus run(const Invocation& invocation, const Config& config, Reporter& reporter);

/// The same for each command, with what it works with.
ExitStatus run(const Count& count, Context& context);
ExitStatus run(const Add& add, Context& context);
ExitStatus run(const Invalidate& invalidate, Context& context);
ExitStatus run(const Ttl& ttl, Context& context);

/// Follows what other programs write, until a signal ends it (Interrupted) or it cannot go on.
[[noreturn]] void follow(Context& context);

} // namespace ordercache
