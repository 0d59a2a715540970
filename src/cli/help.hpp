#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// The commands, in the order in which the help lists them.
inline constexpr std::array<std::string_view, 5> k_commands = {"count", "add", "invalidate", "ttl",
                                                               "help"};

/// Returns the long names of the options that the command takes, such as `--customer`: those that
/// its page lists. For an empty name, returns those of all commands.
std::vector<std::string_view> option_names(std::string_view command);

/// Returns the page of a command, or the program's own page for `help`.
std::string help_page(std::string_view command);

/// The page for a command line without arguments.
std::string short_help_page();

/// `ordercache X.Y.Z`, with the commit if the program was built from a git checkout, and with
/// `-dirty` if files had been changed.
std::string version_page();

} // namespace ordercache
