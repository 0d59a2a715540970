#include "cli/command_line.hpp"

#include "base/error.hpp"
#include "base/version.hpp"
#include "cli/complaints.hpp"
#include "cli/help.hpp"
#include "cli/values.hpp"
#include "cli/words.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

namespace ordercache {

namespace {

/// CLI11's pages, with long names in a column, and the program's options on each page.
class HelpFormatter : public CLI::Formatter {
public:
    HelpFormatter() { column_width(25); }

    std::string make_help(const CLI::App* app, std::string /*name*/,
                          CLI::AppFormatMode mode) const override {
        const CLI::App* const program = app->get_parent();
        return app->get_description() + make_subcommands(app, mode) + make_groups(app, mode) +
               (program != nullptr ? make_groups(program, mode) : "") + app->get_footer();
    }

    std::string make_option_name(const CLI::Option* option, bool /*is_positional*/) const override {
        const auto& letters = option->get_snames();
        const std::string letter = letters.empty() ? "    " : '-' + letters.front() + ", ";
        return letter + "--" + option->get_lnames().front();
    }

    std::string make_option_opts(const CLI::Option* option) const override {
        return option->get_option_text().empty() ? "" : ' ' + option->get_option_text();
    }
};

std::string help_of(const CLI::App& app) {
    return HelpFormatter().make_help(&app, "", CLI::AppFormatMode::Normal);
}

/// An option with a value, which `take` parses and keeps.
CLI::Option* add_value(CLI::App& app, const char* name, const char* placeholder,
                       const char* description, const TakeValue& take) {
    return app.add_option(name, CLI::callback_t(), description)
        ->option_text(placeholder)
        ->check([take](const std::string& value) { return complaint_about(value, take); });
}

template <typename Target, typename Value>
TakeValue into(Target& target, Value (*parse)(std::string_view)) {
    return [&target, parse](const std::string& text) { target = parse(text); };
}

CLI::Option* add_flag(CLI::App& app, const char* name, const char* description,
                      const std::function<void()>& set) {
    return app.add_flag_callback(name, set, description)->check([](const std::string& value) {
        return value == "true" ? "" : "takes no value";
    });
}

void define_common_options(CLI::App& app, Invocation& invocation) {
    app.option_defaults()->group("Options of every command, before or after it");
    app.footer(k_program_help.footer);
    add_flag(app, "--json", "Print the answer as JSON", [&] { invocation.format = Format::json; });
    add_flag(app, "-v,--verbose", "Tell on stderr what the cache does",
             [&] { invocation.verbose = true; });
    add_flag(app, "-q,--quiet", "Print no warnings; errors still show",
             [&] { invocation.quiet = true; });
    add_value(app, "--timeout", "SECONDS",
              "Give up after that long [default: 30]; 0 for never;\n"
              "fractions are allowed",
              [&](const std::string& text) {
                  invocation.timeout = parse_timeout(text);
                  invocation.timeout_was_given = true;
              });
    app.add_flag_callback(
           "-h,--help", [] { throw CLI::CallForHelp(); }, "Show this help")
        ->trigger_on_parse();
    app.set_version_flag(
        "-V,--version", [] { return "ordercache " + version() + '\n'; }, "Print the version");
}

void define_count(CLI::App& app, Invocation& invocation) {
    auto& count = std::get<Count>(invocation.command);
    CLI::Option* const customer = add_value(
        app, "--customer", "N",
        "Count the orders of customer N; repeated, print a line\n"
        "for each: its number, a tab, its count",
        [&](const std::string& text) { count.customers.push_back(parse_customer(text)); });
    customer->take_all();
    add_value(app, "--customers-from", "FILE",
              "Do so for the customers in FILE, a number a line;\n"
              "- for stdin",
              into(count.customers_from, parse_file_name))
        ->excludes(customer);
    CLI::Option* const refresh = add_flag(app, "--refresh", "Recount, and cache that",
                                          [&] { count.cache = CacheUse::refresh; });
    add_flag(app, "--no-cache", "Ask PostgreSQL alone; needs no REDIS_SERVICE_URI", [&] {
        count.cache = CacheUse::none;
    })->excludes(refresh);
}

void define_add(CLI::App& app, Invocation& invocation) {
    auto& add = std::get<Add>(invocation.command);
    const auto parts = std::make_shared<OrderParts>();
    const std::array part_options = {
        add_value(app, "--date", "YYYY-MM-DD", "The day of the order",
                  into(parts->date, parse_date)),
        add_value(app, "--customer", "N", "The number of its customer",
                  into(parts->customer, parse_customer)),
        add_value(app, "--net", "X", "The net amount, such as 23 or 23.50; -5.00 for a refund",
                  into(parts->net, Amount::parse)),
        add_value(app, "--tax", "Y", "The tax; net and tax together are the total",
                  into(parts->tax, Amount::parse))};
    CLI::Option* const from = add_value(app, "--from", "FILE",
                                        "Add the orders of a CSV file with the columns date,\n"
                                        "customer, net and tax, named in its first line;\n"
                                        "- for stdin",
                                        into(add.from, parse_file_name));
    for (CLI::Option* const option : part_options) {
        option->required()->excludes(from);
        from->each([option](const std::string&) { option->required(false); });
    }
    add_flag(app, "--no-cache",
             "Add though Redis cannot be reached; counts may lag\n"
             "until their time to live ends",
             [&] { add.use_cache = false; });
    add_flag(app, "--dry-run", "Check everything, PostgreSQL's part too; change nothing",
             [&] { add.dry_run = true; });
    app.callback([parts, &add] {
        if (!add.from) {
            add.order = whole_order(*parts);
        }
    });
}

void define_invalidate(CLI::App& app, Invocation& invocation) {
    auto& invalidate = std::get<Invalidate>(invocation.command);
    add_value(app, "--customer", "N", "Drop the count of customer N and the total, no others",
              into(invalidate.customer, parse_customer));
    add_flag(app, "--dry-run", "Print how many there are; drop none",
             [&] { invalidate.dry_run = true; });
}

void define_ttl(CLI::App& app, Invocation& invocation) {
    auto& ttl = std::get<Ttl>(invocation.command);
    add_value(app, "--customer", "N", "Of the count of customer N, not of the total",
              into(ttl.customer, parse_customer));
}

template <typename Wanted>
void choose(Invocation& invocation) {
    invocation.command.emplace<Wanted>();
}

struct CommandSpec {
    const char* name;
    const HelpTexts& help;
    void (*choose)(Invocation&);
    void (*define_options)(CLI::App&, Invocation&);
    bool needs_options;
};

constexpr std::array<CommandSpec, 4> k_commands = {
    {{"count", k_count_help, choose<Count>, define_count, false},
     {"add", k_add_help, choose<Add>, define_add, true},
     {"invalidate", k_invalidate_help, choose<Invalidate>, define_invalidate, false},
     {"ttl", k_ttl_help, choose<Ttl>, define_ttl, false}}};

/// Defines the commands. The options of one follow when it has been named and has any, for each
/// costs a cached count some microseconds.
void define_commands(CLI::App& app, Invocation& invocation) {
    app.require_subcommand(0, 1)->fallthrough()->group("Commands");
    for (const CommandSpec& spec : k_commands) {
        CLI::App* const command = app.add_subcommand(spec.name, spec.help.summary);
        command->preparse_callback([command, &spec, &invocation](std::size_t words_left) {
            spec.choose(invocation);
            if (words_left > 0 || spec.needs_options) {
                command->description(spec.help.description)->footer(spec.help.footer);
                spec.define_options(*command, invocation);
            }
        });
    }
    app.add_subcommand("help", "Show this help, or that of a command");
}

/// Absent: none was named.
const CLI::App* chosen_command(const CLI::App& app) {
    const auto commands = app.get_subcommands();
    return commands.empty() ? nullptr : commands.front();
}

Words option_names(const CLI::App& app) {
    Words names;
    for (const CLI::Option* option : app.get_options()) {
        names.push_back(option->get_name());
    }
    return names;
}

Words command_names(const CLI::App& app) {
    Words names;
    for (const CLI::App* command : app.get_subcommands({})) {
        names.push_back(command->get_name());
    }
    return names;
}

Error unexpected_word_of(const CLI::App& app) {
    const CLI::App* const command = chosen_command(app);
    Words options = command != nullptr ? option_names(*command) : Words();
    std::ranges::move(option_names(app), std::back_inserter(options));
    return unexpected_word(app.remaining(), {command_names(app), options, command != nullptr});
}

Error missing_options_of(const CLI::App& command) {
    Words missing;
    for (const CLI::Option* option : command.get_options()) {
        if (option->get_required() && option->empty()) {
            missing.push_back(option->get_name());
        }
    }
    return missing_options(command.get_name(), missing);
}

/// Throws Error (usage) in place of CLI11's errors; its calls for a page go through.
void parse(CLI::App& app, Words words) {
    std::ranges::reverse(words); // CLI11 takes them from the end.
    try {
        app.parse(std::move(words));
    } catch (const CLI::Success&) {
        if (app.remaining_size() > 0) {
            throw unexpected_word_of(app);
        }
        throw;
    } catch (const CLI::ArgumentMismatch& error) {
        throw wrong_number_of_values(error.what());
    } catch (const CLI::ParseError& error) {
        if (app.remaining_size() > 0) {
            throw unexpected_word_of(app);
        }
        if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
            throw missing_options_of(*chosen_command(app));
        }
        throw usage_error(error.what());
    }
    if (chosen_command(app) == nullptr) {
        throw missing_command(command_names(app));
    }
}

std::string help_asked_for(const CLI::App& app) {
    const CLI::App* const command = chosen_command(app);
    return help_of(command == nullptr || command->get_name() == "help" ? app : *command);
}

} // namespace

std::variant<Invocation, Page> parse_command_line(int argc, const char* const* argv) {
    Invocation invocation;
    CLI::App app(k_program_help.description);
    app.set_help_flag();
    define_commands(app, invocation);
    if (argc < 2) {
        return Page{.text = help_of(app) +
                            "\nSee `ordercache help COMMAND` for its options and examples.\n",
                    .status = ExitStatus::usage};
    }
    Words words = arranged({argv + 1, argv + argc}, command_names(app));
    if (std::ranges::any_of(words, looks_like_option)) {
        define_common_options(app, invocation);
    }
    try {
        parse(app, std::move(words));
    } catch (const CLI::CallForHelp&) {
        return Page{.text = help_asked_for(app)};
    } catch (const CLI::CallForVersion& version) {
        return Page{.text = version.what()};
    }
    return invocation;
}

} // namespace ordercache
