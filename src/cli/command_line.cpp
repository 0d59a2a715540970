#include "cli/command_line.hpp"

#include "base/error.hpp"
#include "base/seconds.hpp"
#include "base/version.hpp"
#include "cli/arguments.hpp"
#include "cli/help.hpp"
#include "cli/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace ordercache {

namespace {

constexpr std::chrono::seconds k_default_timeout{30};

/// Gives what `parse` makes of a value. Throws Error (usage) with the option and the reason.
template <typename Parse>
auto checked(std::string_view option, const Parse& parse) {
    try {
        return parse();
    } catch (const std::invalid_argument& error) {
        throw usage_error(fmt::format("{}: {}", option, error.what()));
    }
}

/// The option's value as `parse` reads it; absent where the option was not given.
template <typename Value>
std::optional<Value> parsed(const Arguments& arguments, std::string_view option,
                            Value (*parse)(std::string_view)) {
    const std::optional<std::string> text = arguments.value(option);
    if (!text) {
        return std::nullopt;
    }
    return checked(option, [&] { return parse(*text); });
}

void refuse_both(const Arguments& arguments, std::string_view one, std::string_view other) {
    if (arguments.has(one) && arguments.has(other)) {
        throw usage_error(fmt::format("{} and {} exclude each other", one, other));
    }
}

Command count(const Arguments& arguments) {
    refuse_both(arguments, "--refresh", "--no-cache");
    refuse_both(arguments, "--customer", "--customers-from");
    Count count;
    for (const std::string& value : arguments.values("--customer")) {
        count.customers.push_back(checked("--customer", [&] { return parse_customer(value); }));
    }
    count.customers_from = arguments.value("--customers-from");
    if (arguments.has("--refresh")) {
        count.cache = CacheUse::refresh;
    } else if (arguments.has("--no-cache")) {
        count.cache = CacheUse::none;
    }
    return count;
}

constexpr std::array<std::string_view, 4> k_order_options = {"--date", "--customer", "--net",
                                                             "--tax"};

/// `a`, `a and b`, `a, b and c`.
std::string listed(std::span<const std::string_view> names) {
    std::string list{names.front()};
    for (std::size_t i = 1; i < names.size(); ++i) {
        list += i + 1 < names.size() ? ", " : " and ";
        list += names[i];
    }
    return list;
}

void require_whole_order(const Arguments& arguments) {
    std::vector<std::string_view> missing;
    std::copy_if(k_order_options.begin(), k_order_options.end(), std::back_inserter(missing),
                 [&](std::string_view name) { return !arguments.has(name); });
    if (!missing.empty()) {
        throw usage_error(fmt::format("`add` needs {}{}", listed(missing),
                                      missing.size() == k_order_options.size()
                                          ? ", or --from with a file of orders"
                                          : " too"));
    }
}

Order order(const Arguments& arguments) {
    require_whole_order(arguments);
    const Order order{.date = *parsed(arguments, "--date", parse_date),
                      .customer = *parsed(arguments, "--customer", parse_customer),
                      .net = *parsed(arguments, "--net", Amount::parse),
                      .tax = *parsed(arguments, "--tax", Amount::parse)};
    checked("--net and --tax", [&] { return order.total(); });
    return order;
}

Command add(const Arguments& arguments) {
    for (const std::string_view option : k_order_options) {
        refuse_both(arguments, "--from", option);
    }
    Add add;
    add.from = arguments.value("--from");
    if (!add.from) {
        add.order = order(arguments);
    }
    add.use_cache = !arguments.has("--no-cache");
    add.dry_run = arguments.has("--dry-run");
    return add;
}

Command invalidate(const Arguments& arguments) {
    return Invalidate{.mode = InvalidateMode::drop,
                      .customer = parsed(arguments, "--customer", parse_customer),
                      .dry_run = arguments.has("--dry-run")};
}

Command ttl(const Arguments& arguments) {
    return Ttl{.customer = parsed(arguments, "--customer", parse_customer)};
}

struct CommandSpec {
    std::string_view name;
    CommandBits bit;
    Command (*build)(const Arguments&);
    std::string (*help)();
};

constexpr std::array k_commands = {
    CommandSpec{"count", k_count_bit, count, count_help},
    CommandSpec{"add", k_add_bit, add, add_help},
    CommandSpec{"invalidate", k_invalidate_bit, invalidate, invalidate_help},
    CommandSpec{"ttl", k_ttl_bit, ttl, ttl_help},
};

std::vector<std::string_view> command_names() {
    std::vector<std::string_view> names;
    std::transform(k_commands.begin(), k_commands.end(), std::back_inserter(names),
                   [](const CommandSpec& command) { return command.name; });
    names.emplace_back("help");
    return names;
}

/// Absent: there is no such command.
const CommandSpec* find_command(std::string_view name) {
    const auto* const found =
        std::find_if(k_commands.begin(), k_commands.end(),
                     [&](const CommandSpec& command) { return command.name == name; });
    return found == k_commands.end() ? nullptr : found;
}

const CommandSpec& command_named(std::string_view name) {
    if (const CommandSpec* const command = find_command(name)) {
        return *command;
    }
    const std::vector<std::string_view> names = command_names();
    if (const auto meant = nearest(name, names)) {
        throw usage_error(fmt::format("unknown command `{}`: did you mean `{}`?", name, *meant));
    }
    throw usage_error(fmt::format("unknown command `{}`: there are {}", name, listed(names)));
}

void refuse_more_words(std::span<const std::string> rest) {
    if (!rest.empty()) {
        throw usage_error(fmt::format("unexpected argument `{}`", rest.front()));
    }
}

/// Absent: no help was asked for.
std::optional<Page> help_asked_for(const Arguments& arguments) {
    std::span<const std::string> words = arguments.words();
    const bool by_word = !words.empty() && words.front() == "help";
    if (!by_word && !arguments.has("--help")) {
        return std::nullopt;
    }
    if (by_word) {
        words = words.subspan(1);
    }
    if (words.empty()) {
        return Page{.text = program_help()};
    }
    refuse_more_words(words.subspan(1));
    return Page{.text = command_named(words.front()).help()};
}

std::vector<std::string_view> options_of(unsigned commands) {
    std::vector<std::string_view> names;
    for (const Option& option : k_options) {
        if ((option.commands & commands) != 0) {
            names.push_back(option.name);
        }
    }
    return names;
}

void refuse_unknown_options(const Arguments& arguments) {
    if (arguments.unknown_options().empty()) {
        return;
    }
    const std::string& unknown = arguments.unknown_options().front();
    const CommandSpec* const command =
        arguments.words().empty() ? nullptr : find_command(arguments.words().front());
    const std::vector<std::string_view> names =
        options_of(command ? command->bit : k_every_command);
    if (const auto meant = nearest(unknown, names)) {
        throw usage_error(fmt::format("unknown option `{}`: did you mean `{}`?", unknown, *meant));
    }
    throw usage_error(fmt::format("unknown option `{}`", unknown));
}

void refuse_options_of_others(const Arguments& arguments, const CommandSpec& command) {
    for (const Option& option : arguments.options()) {
        if ((option.commands & command.bit) == 0) {
            throw usage_error(
                fmt::format("{}: `{}` has no such option", option.name, command.name));
        }
    }
}

const CommandSpec& chosen_command(const Arguments& arguments) {
    if (arguments.words().empty()) {
        throw usage_error(
            fmt::format("a command is missing: there are {}", listed(command_names())));
    }
    const CommandSpec& command = command_named(arguments.words().front());
    refuse_more_words(std::span(arguments.words()).subspan(1));
    refuse_options_of_others(arguments, command);
    return command;
}

/// Takes decimal digits, and after a point one to three more: seconds.
/// Throws std::invalid_argument, whose message says what is wrong, for all else.
std::chrono::milliseconds parse_timeout(std::string_view text) {
    const auto timeout = parse_seconds(text);
    if (!timeout) {
        throw std::invalid_argument(
            fmt::format("a timeout is a number of seconds up to {}, such as 30 or 0.5",
                        k_longest_wait.count()));
    }
    return *timeout;
}

/// Absent: wait for ever.
std::optional<std::chrono::milliseconds> timeout(const Arguments& arguments) {
    const std::chrono::milliseconds asked =
        parsed(arguments, "--timeout", parse_timeout).value_or(k_default_timeout);
    return asked.count() == 0 ? std::nullopt : std::optional(asked);
}

} // namespace

std::variant<Invocation, Page> parse_command_line(int argc, const char* const* argv) {
    if (argc < 2) {
        return Page{.text = short_help(), .status = ExitStatus::usage};
    }
    const Arguments arguments({argv + 1, argv + argc});
    refuse_unknown_options(arguments);
    if (std::optional<Page> help = help_asked_for(arguments)) {
        return std::move(*help);
    }
    if (arguments.has("--version")) {
        return Page{.text = "ordercache " + version() + "\n"};
    }
    return Invocation{.command = chosen_command(arguments).build(arguments),
                      .format = arguments.has("--json") ? Format::json : Format::text,
                      .verbose = arguments.has("--verbose"),
                      .quiet = arguments.has("--quiet"),
                      .timeout = timeout(arguments),
                      .timeout_was_given = arguments.has("--timeout")};
}

} // namespace ordercache
