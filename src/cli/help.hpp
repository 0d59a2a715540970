#pragma once

#include <span>
#include <string>
#include <string_view>

namespace ordercache {

/// An option as a help page shows it.
struct OptionHelp {
    std::string_view usage; ///< Such as `-v, --verbose` or `    --customer N`.
    std::string_view text;

    /// The long name, such as `--customer`.
    std::string_view name() const;
};

/// What the help says about a command. Its `options`, and the common ones, are those that it takes.
struct CommandHelp {
    std::string_view name;
    std::string_view summary;
    std::string_view description;
    std::span<const OptionHelp> options;
    std::string_view examples;
};

/// count, add, invalidate, ttl and help, in this order.
extern const std::span<const CommandHelp> k_commands;

/// The options of every command.
extern const std::span<const OptionHelp> k_common_options;

/// The pages are at most 80 columns wide.
std::string help_page(const CommandHelp& command);
std::string help_page();

/// The page for a command line without arguments.
std::string short_help_page();

} // namespace ordercache
