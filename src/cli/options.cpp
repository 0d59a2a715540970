#include "cli/options.hpp"

#include "base/version.hpp"
#include "cli/complaints.hpp"
#include "cli/help.hpp"
#include "cli/values.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ordercache {

namespace {

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

/// A flag that may be given a value: `--follow-sql=remove`, and never the next word.
CLI::Option* add_follow_sql(CLI::App& app, Invalidate& invalidate) {
    const auto choose = [&invalidate](const std::string& text) {
        if (text != "true" && text != "remove") {
            throw std::invalid_argument("it takes no value but remove");
        }
        invalidate.mode =
            text == "remove" ? InvalidateMode::print_removal_sql : InvalidateMode::print_setup_sql;
    };
    return app.add_flag("--follow-sql")
        ->description("Print the SQL that sets the database up for --follow,\n"
                      "or undoes that; contact nothing")
        ->option_text("[=remove]")
        ->check([choose](const std::string& value) { return complaint_about(value, choose); });
}

void define_invalidate(CLI::App& app, Invocation& invocation) {
    auto& invalidate = std::get<Invalidate>(invocation.command);
    CLI::Option* const customer =
        add_value(app, "--customer", "N", "Drop the count of customer N and the total, no others",
                  into(invalidate.customer, parse_customer));
    CLI::Option* const stale =
        add_flag(app, "--stale", "Drop those alone that differ from PostgreSQL's",
                 [&] { invalidate.mode = InvalidateMode::drop_stale; });
    CLI::Option* const dry_run = add_flag(app, "--dry-run", "Print how many there are; drop none",
                                          [&] { invalidate.dry_run = true; });
    CLI::Option* const follow = add_flag(app, "--follow",
                                         "Run until a signal ends it, and keep the cache true\n"
                                         "to what other programs write",
                                         [&] { invalidate.mode = InvalidateMode::follow; });
    CLI::Option* const follow_sql = add_follow_sql(app, invalidate);
    follow->excludes(customer)->excludes(stale)->excludes(dry_run);
    follow_sql->excludes(customer)->excludes(stale)->excludes(dry_run)->excludes(follow);
    // Defined only where a word of the line looks like an option.
    if (CLI::Option* const json = app.get_parent()->get_option_no_throw("--json")) {
        follow->excludes(json);
        follow_sql->excludes(json);
    }
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

} // namespace

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

} // namespace ordercache
