#pragma once

#include "cli/command_line.hpp"

namespace CLI {
class App;
}

namespace ordercache {

/// Defines the commands. The options of one follow when it has been named and has any, for each
/// costs a cached count some microseconds. `invocation`, which must outlive `app`, takes what is
/// parsed.
void define_commands(CLI::App& app, Invocation& invocation);

/// Defines the options that every command has, on the same terms.
void define_common_options(CLI::App& app, Invocation& invocation);

} // namespace ordercache
