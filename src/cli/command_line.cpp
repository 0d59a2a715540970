#include "cli/command_line.hpp"

#include "base/error.hpp"
#include "base/quoted.hpp"
#include "cli/help.hpp"
#include "cli/options.hpp"
#include "cli/spelling.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string_view>

namespace ordercache {

namespace {

using Names = std::vector<std::string_view>;

/// Returns an empty name if none was given.
std::string chosen_command(const CLI::App& app) {
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? "" : chosen.front()->get_name();
}

/// `a`, `a and b`, `a, b and c`.
std::string enumerate(std::span<const std::string_view> names) {
    std::string list(names.front());
    for (std::size_t i = 1; i < names.size(); ++i) {
        list += i + 1 < names.size() ? ", " : " and ";
        list += names[i];
    }
    return list;
}

Error unknown(std::string_view kind, std::string_view typed,
              std::span<const std::string_view> names) {
    const auto meant = nearest(typed, names);
    return usage_error(fmt::format("unknown {} {}: {}", kind, in_quotes(typed),
                                   meant ? fmt::format("did you mean `{}`?", *meant)
                                         : "there are " + enumerate(names)));
}

Error unexpected(std::string_view word, const Names& options) {
    const bool is_number =
        !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
    const bool takes_customer = std::ranges::find(options, "--customer") != options.end();
    return usage_error(fmt::format(
        "unexpected argument {}{}", in_quotes(word),
        is_number && takes_customer ? fmt::format(": did you mean `--customer {}`?", word) : ""));
}

/// `-v` and `--json` do; `-`, `-5` and `--` do not.
bool looks_like_option(std::string_view word) {
    constexpr std::string_view k_not_names = "0123456789.";
    return word.size() > 1 && word[0] == '-' && word != "--" &&
           k_not_names.find(word[1]) == std::string_view::npos;
}

/// CLI11 would take the next word for the value.
void refuse_empty_values(std::span<const char* const> words) {
    for (const std::string_view word : words) {
        if (word.starts_with("--") && word.find('=') == word.size() - 1) {
            throw usage_error(
                fmt::format("{}: the value is empty", word.substr(0, word.size() - 1)));
        }
    }
}

/// `problem` is CLI11's: the option's name, a colon, and what is wrong.
std::string wrong_number_of_values(std::string_view problem) {
    return fmt::format("{}: {}", problem.substr(0, problem.find(':')),
                       problem.ends_with("missing") ? "a value is missing"
                                                    : "may be given only once");
}

/// Returns what is wrong, or an empty text if nothing is.
std::string parse(CLI::App& app, int argc, const char* const* argv) {
    try {
        app.parse(argc, argv);
        return "";
    } catch (const CLI::ArgumentMismatch& error) {
        return wrong_number_of_values(error.what());
    } catch (const CLI::ParseError& error) {
        return error.what();
    } catch (const Error& error) { // of the customers' type
        return error.what();
    }
}

/// Throws Error (usage) for a word that is neither a command nor one of the command's options.
void refuse_unknown_words(const CLI::App& app, const std::string& command) {
    const Names options = option_names(command);
    for (const std::string& word : app.remaining()) {
        if (looks_like_option(word)) {
            throw unknown("option", word.substr(0, word.find('=', 2)), options);
        }
        if (word != "--") {
            throw command.empty() ? unknown("command", word, k_commands)
                                  : unexpected(word, options);
        }
    }
    for (const CLI::Option* option : app.get_options()) {
        if (option->count() > 0 &&
            std::ranges::find(options, option->get_name()) == options.end()) {
            throw unknown("option", option->get_name(), options);
        }
    }
}

std::optional<CustomerId> only_customer(const Options& options) {
    if (options.customers.size() > 1) {
        throw usage_error("--customer: may be given only once");
    }
    return options.customers.empty() ? std::nullopt : std::optional(options.customers.front());
}

Order make_order(const Options& options) {
    const auto customer = only_customer(options);
    Names missing;
    const auto require = [&](std::string_view name, bool is_given) {
        if (!is_given) {
            missing.push_back(name);
        }
    };
    require("--date", options.date.has_value());
    require("--customer", customer.has_value());
    require("--net", options.net.has_value());
    require("--tax", options.tax.has_value());
    if (!missing.empty()) {
        throw usage_error(
            fmt::format("`add` needs {}, or --from with a file of orders", enumerate(missing)));
    }
    Order order{*options.date, *customer, *options.net, *options.tax};
    try {
        order.total();
    } catch (const std::invalid_argument& error) {
        throw usage_error(error.what());
    }
    return order;
}

Command make_command(std::string_view name, const Options& options) {
    if (name == "count") {
        return Count{.customers = options.customers,
                     .customers_from = options.customers_from,
                     .cache = options.cache};
    }
    if (name == "add") {
        return Add{.order = options.from ? std::nullopt : std::optional(make_order(options)),
                   .from = options.from,
                   .use_cache = options.cache != CacheUse::none,
                   .dry_run = options.dry_run};
    }
    if (name == "invalidate") {
        return Invalidate{
            .mode = options.mode, .customer = only_customer(options), .dry_run = options.dry_run};
    }
    return Ttl{.customer = only_customer(options)};
}

/// Throws Error (usage) for an unknown command.
Page page_for(const std::string& command) {
    if (std::ranges::find(k_commands, command) == k_commands.end()) {
        throw unknown("command", command, k_commands);
    }
    return {.text = help_page(command)};
}

} // namespace

std::variant<Invocation, Page>
parse_command_line(int argc, const char* const* argv,
                   const std::function<CustomerType()>& customer_type) {
    if (argc < 2) {
        return Page{.text = short_help_page(), .was_asked_for = false};
    }
    refuse_empty_values({argv + 1, argv + argc});

    CLI::App app;
    app.set_help_flag();
    app.require_subcommand(0, 1)->fallthrough();
    for (const std::string_view command : k_commands) {
        app.add_subcommand(std::string(command));
    }
    std::string topic = "help";
    app.get_subcommand("help")->add_option("COMMAND", topic);
    Options options;
    define_options(app, options, customer_type);

    const std::string problem = parse(app, argc, argv);
    const std::string command = chosen_command(app);
    if (app.count("--help") > 0) {
        return page_for(command.empty() ? "help" : command);
    }
    refuse_unknown_words(app, command);
    if (app.count("--version") > 0) {
        return Page{.text = version_page()};
    }
    if (command.empty()) {
        throw usage_error(
            fmt::format("a command is missing: the commands are {}", enumerate(k_commands)));
    }
    if (!problem.empty()) {
        throw usage_error(problem);
    }
    if (command == "help") {
        return page_for(topic);
    }
    options.invocation.command = make_command(command, options);
    return options.invocation;
}

} // namespace ordercache
