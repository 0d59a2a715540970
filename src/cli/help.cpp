#include "cli/help.hpp"

#include <array>
#include <cstddef>

namespace ordercache {

namespace {

constexpr std::string_view k_description =
    R"(How many orders are there? ordercache answers from a Redis cache in front of
PostgreSQL, adds orders, and keeps the cache true.

Usage: ordercache COMMAND [OPTION]...
)";

constexpr std::string_view k_environment_and_status = R"(
Environment:
  PG_SERVICE_URI         The PostgreSQL service, such as
                         postgres://user:password@host:5432/defaultdb; a count
                         that is cached, ttl and invalidate do not need it
  PG_DATABASE            The database to use on it. Default: the one that the
                         URI names; dellstore if it names none or defaultdb
  REDIS_SERVICE_URI      The Redis or Valkey service, such as
                         rediss://default:password@host:6379; --no-cache does
                         not need it
  CACHE_KEY_PREFIX       What the cache's keys begin with [default: num_orders]
  CACHE_TIMEOUT_SECONDS  How long a cached count may live [default: 120]: a time
                         to live, not a network timeout (that is --timeout)

Exit status:
  0      Done
  1      No: not cached, order rejected, or stdout cannot be written
  2      Wrong usage, value or configuration; nothing was changed
  3      PostgreSQL failed; nothing was written, a retry is safe
  4      Redis failed and was needed; nothing was written, a retry is safe
  5      An order was or may have been committed: look before a retry
  128+n  Ended by signal n
)";

constexpr std::string_view k_examples = R"(
Examples:
  ordercache count
  ordercache count --customer 9999 --json
  ordercache add --date 2023-02-10 --customer 9999 --net 23.00 --tax 2.00
  ordercache -v ttl

The manual has more: man ordercache
)";

constexpr auto k_count_options = std::to_array<OptionHelp>(
    {{"    --customer N", "Count the orders of customer N; if repeated, print a\n"
                          "line for each: the number, a tab, the count"},
     {"    --customers-from FILE", "Count the orders of each customer listed in FILE, one\n"
                                   "number per line; - for stdin"},
     {"    --refresh", "Count again, and cache the result"},
     {"    --no-cache", "Ask PostgreSQL only; needs no REDIS_SERVICE_URI"}});

constexpr auto k_add_options = std::to_array<OptionHelp>(
    {{"    --date YYYY-MM-DD", "The day of the order"},
     {"    --customer N", "The number of its customer"},
     {"    --net X", "The net amount, such as 23 or 23.50; -5.00 for a refund"},
     {"    --tax Y", "The tax; net plus tax is the total"},
     {"    --from FILE", "Add the orders of a CSV file with the columns date,\n"
                         "customer, net and tax, named in its first line;\n"
                         "- for stdin"},
     {"    --no-cache", "Add even if Redis cannot be reached; counts may lag\n"
                        "until their time to live ends"},
     {"    --dry-run", "Check everything, also in PostgreSQL; change nothing"}});

constexpr auto k_invalidate_options = std::to_array<OptionHelp>(
    {{"    --customer N", "Drop only the count of customer N and the total"},
     {"    --stale", "Drop only counts that differ from PostgreSQL's"},
     {"    --dry-run", "Print how many there are; drop none"},
     {"    --follow", "Run until a signal ends it, and keep the cache true\n"
                      "to what other programs write"},
     {"    --follow-sql[=remove]", "Print the SQL that sets the database up for --follow,\n"
                                   "or undoes that; contact nothing"}});

constexpr auto k_ttl_options = std::to_array<OptionHelp>(
    {{"    --customer N", "Look at the count of customer N, not at the total"}});

constexpr std::array<CommandHelp, 5> k_command_table = {
    {{"count", "Print the number of orders, in all or of customers",
      R"(Print the number of orders: from the cache if it is there, else from PostgreSQL,
and then the cache is filled. If Redis cannot be reached, PostgreSQL answers: a
warning, status 0.

Usage: ordercache count [OPTION]...
)",
      k_count_options, R"(
Examples:
  ordercache count
  ordercache count --customer 9999
  ordercache count --customers-from customers.txt --json
)"},
     {"add", "Add an order, or a CSV file of orders",
      R"(Add an order and print its number, or add all orders of a CSV file, or none of
them, and print how many there were. Drops the cached counts that it changes.

Usage: ordercache add --date YYYY-MM-DD --customer N --net X --tax Y [OPTION]...
       ordercache add --from FILE [OPTION]...
)",
      k_add_options, R"(
Examples:
  ordercache add --date 2023-02-10 --customer 9999 --net 23.00 --tax 2.00
  ordercache add --date $(date +%F) --customer 9999 --net -5.00 --tax 0
  ordercache add --from orders.csv --dry-run
)"},
     {"invalidate", "Drop cached counts",
      R"(Drop cached counts and print how many there were: all of them, those that an
order of one customer changes, or only those that are wrong. The next count asks
PostgreSQL.

Usage: ordercache invalidate [OPTION]...
)",
      k_invalidate_options, R"(
Examples:
  ordercache invalidate
  ordercache invalidate --customer 9999
  ordercache invalidate --stale --dry-run -v
  ordercache invalidate --follow-sql >follow.sql
  ordercache invalidate --follow
)"},
     {"ttl", "Print how long a cached count has left to live",
      R"(Print the seconds that a cached count has left to live, rounded up; -1 if it
never expires.

Usage: ordercache ttl [OPTION]...
)",
      k_ttl_options, R"(
Examples:
  ordercache ttl
  ordercache ttl --customer 9999
)"},
     {"help", "Show this help, or the help of a command", "", {}, ""}}};

constexpr auto k_common_option_table = std::to_array<OptionHelp>(
    {{"    --json", "Print the answer as JSON"},
     {"-v, --verbose", "Tell on stderr what the cache does"},
     {"-q, --quiet", "Print no warnings; errors still show"},
     {"    --timeout SECONDS", "Give up after this time [default: 30]; 0 for never;\n"
                               "fractions are allowed"},
     {"-h, --help", "Show this help"},
     {"-V, --version", "Print the version"}});

constexpr std::size_t k_text_column = 25;

/// The name in the left column, the lines of the text in the right one.
std::string entry(std::string_view name, std::string_view text) {
    const std::string next_line = '\n' + std::string(k_text_column, ' ');
    std::string entry = "  " + std::string(name);
    if (entry.size() < k_text_column) {
        entry.append(k_text_column - entry.size(), ' ');
    } else {
        entry += next_line;
    }
    for (const char c : text) {
        c == '\n' ? entry += next_line : entry += c;
    }
    return entry + '\n';
}

std::string list_of(std::span<const OptionHelp> options) {
    std::string list;
    for (const OptionHelp& option : options) {
        list += entry(option.usage, option.text);
    }
    return list;
}

std::string command_list() {
    std::string list = "\nCommands:\n";
    for (const CommandHelp& command : k_commands) {
        list += entry(command.name, command.summary);
    }
    return list;
}

std::string common_option_list() {
    return "\nOptions of every command, before or after it:\n" + list_of(k_common_options);
}

} // namespace

const std::span<const CommandHelp> k_commands = k_command_table;
const std::span<const OptionHelp> k_common_options = k_common_option_table;

std::string_view OptionHelp::name() const {
    const std::string_view name = usage.substr(usage.find("--"));
    return name.substr(0, name.find_first_of(" ["));
}

std::string help_page(const CommandHelp& command) {
    return std::string(command.description) + "\nOptions:\n" + list_of(command.options) +
           common_option_list() + std::string(k_environment_and_status) +
           std::string(command.examples);
}

std::string help_page() {
    return std::string(k_description) + command_list() + common_option_list() +
           std::string(k_environment_and_status) + std::string(k_examples);
}

std::string short_help_page() {
    return std::string(k_description) + command_list() +
           "\nSee `ordercache help COMMAND` for its options and examples.\n";
}

} // namespace ordercache
