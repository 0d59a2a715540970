#include "cli/options.hpp"

#include "base/quoted.hpp"
#include "base/seconds.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ordercache {

namespace {

using Take = std::function<void(const std::string&)>;

/// Passes the value to `take`. Returns what is wrong with it, or an empty text if nothing is.
std::string complaint_about(const std::string& value, const Take& take) {
    if (value.empty()) {
        return "the value is empty";
    }
    try {
        take(value);
        return "";
    } catch (const std::invalid_argument& error) {
        return fmt::format("{}: {}", in_quotes(value), error.what());
    }
}

/// A check takes the value, not a target: CLI11 passes the value to a check as it was typed, and
/// names the option in the complaint.
CLI::Option* add_value(CLI::App& app, const char* name, const Take& take) {
    return app.add_option(name, CLI::callback_t())->check([take](const std::string& value) {
        return complaint_about(value, take);
    });
}

template <typename Target, typename Value>
Take into(Target& target, Value (*parse)(std::string_view)) {
    return [&target, parse](const std::string& text) { target = parse(text); };
}

template <typename Target>
CLI::Option* add_flag(CLI::App& app, const char* name, Target& target, Target value) {
    return app.add_flag_callback(name, [&target, value] { target = value; })
        ->check([](const std::string& typed) { return typed == "true" ? "" : "takes no value"; });
}

/// Returns nullopt for 0, which means that there is no limit.
std::optional<std::chrono::milliseconds> parse_timeout(std::string_view text) {
    const auto timeout = parse_seconds(text);
    if (!timeout) {
        throw std::invalid_argument(
            fmt::format("a timeout is a number of seconds from 0.001 to {}, "
                        "such as 30 or 0.5, or 0 for none",
                        k_longest_wait.count()));
    }
    return timeout->count() > 0 ? timeout : std::nullopt;
}

std::string parse_file_name(std::string_view text) {
    if (text.starts_with('-') && text != "-") {
        throw std::invalid_argument("a file's name that begins with - needs ./ before it");
    }
    return std::string(text);
}

/// The value is `true` if none was typed.
InvalidateMode parse_follow_sql(std::string_view text) {
    if (text != "true" && text != "remove") {
        throw std::invalid_argument("the only value is remove");
    }
    return text == "true" ? InvalidateMode::print_setup_sql : InvalidateMode::print_removal_sql;
}

void define_order_options(CLI::App& app, Options& options) {
    add_value(app, "--date", into(options.date, parse_date));
    add_value(app, "--net", into(options.net, Amount::parse));
    add_value(app, "--tax", into(options.tax, Amount::parse));
    CLI::Option* const from = add_value(app, "--from", into(options.from, parse_file_name));
    for (const char* name : {"--date", "--customer", "--net", "--tax"}) {
        from->excludes(app.get_option(name));
    }
}

void define_cache_options(CLI::App& app, Options& options) {
    CLI::Option* const refresh = add_flag(app, "--refresh", options.cache, CacheUse::refresh);
    add_flag(app, "--no-cache", options.cache, CacheUse::none)->excludes(refresh);
    add_flag(app, "--dry-run", options.dry_run, true);
    add_flag(app, "--stale", options.mode, InvalidateMode::drop_stale);
}

void define_follow_options(CLI::App& app, Options& options) {
    CLI::Option* const follow = add_flag(app, "--follow", options.mode, InvalidateMode::follow);
    // A flag, so that it never takes the next word for its value.
    CLI::Option* const follow_sql =
        app.add_flag("--follow-sql")->check([&options](const std::string& value) {
            return complaint_about(value, into(options.mode, parse_follow_sql));
        });
    follow_sql->excludes(follow);
    for (const char* name : {"--customer", "--stale", "--dry-run", "--json"}) {
        follow->excludes(app.get_option(name));
        follow_sql->excludes(app.get_option(name));
    }
}

void define_common_options(CLI::App& app, Invocation& invocation) {
    add_flag(app, "--json", invocation.format, Format::json);
    add_flag(app, "-v,--verbose", invocation.verbose, true);
    add_flag(app, "-q,--quiet", invocation.quiet, true);
    add_value(app, "--timeout", [&invocation](const std::string& text) {
        invocation.timeout = parse_timeout(text);
        invocation.timeout_was_given = true;
    });
    app.add_flag("-h,--help");
    app.add_flag("-V,--version");
}

} // namespace

void define_options(CLI::App& app, Options& options,
                    const std::function<CustomerType()>& customer_type) {
    CLI::Option* const customer =
        add_value(app, "--customer", [&options, customer_type](const std::string& text) {
            options.customers.push_back(parse_customer(text, customer_type()));
        });
    customer->take_all();
    add_value(app, "--customers-from", into(options.customers_from, parse_file_name))
        ->excludes(customer);
    define_common_options(app, options.invocation);
    define_order_options(app, options);
    define_cache_options(app, options);
    define_follow_options(app, options);
}

} // namespace ordercache
