#include "cli/help.hpp"

namespace ordercache {

namespace {

constexpr const char* k_usage =
    R"(How many orders are there? ordercache answers from a Redis cache in front of
PostgreSQL, adds orders, and keeps the cache true.

Usage: ordercache COMMAND [OPTION]...

Commands:
  count                  Print the number of orders, in all or of customers
  add                    Add an order, or a CSV file of orders
  invalidate             Drop cached counts
  ttl                    Print how long a cached count has left to live
  help [COMMAND]         Show this help, or that of a command
)";

constexpr const char* k_common_options = R"(
Options of every command, before or after it:
      --json             Print the answer as JSON
  -v, --verbose          Tell on stderr what the cache does
  -q, --quiet            Print no warnings; errors still show
      --timeout SECONDS  Give up after that long [default: 30]; 0 for never,
                         and a fraction will do
  -h, --help             Show this help
      --version          Print the version
)";

constexpr const char* k_program_details = R"(
Environment:
  PG_SERVICE_URI         The PostgreSQL service, such as
                         postgres://user:password@host:5432/defaultdb
  PG_DATABASE            The database to use on it [default: dellstore];
                         empty: the one that the URI names
  REDIS_SERVICE_URI      The Redis or Valkey service, such as
                         rediss://default:password@host:6379
  CACHE_KEY_PREFIX       What the cache's keys begin with [default: num_orders]
  CACHE_TIMEOUT_SECONDS  How long a cached count may live [default: 120]: a time
                         to live, not a network timeout (that is --timeout)

Exit status:
  0      Done
  1      No: not cached, or the order was rejected, or stdout cannot be written
  2      Wrong usage, value or configuration; nothing was changed
  3      PostgreSQL failed; nothing was written, a retry is safe
  4      Redis failed and was needed; nothing was written, a retry is safe
  5      An order was or may have been committed: look before a retry
  128+n  Ended by signal n

Examples:
  ordercache count
  ordercache count --customer 9999 --json
  ordercache add --date 2023-02-10 --customer 9999 --net 23.00 --tax 2.00
  ordercache -v ttl

The manual has more: man ordercache
)";

constexpr const char* k_count_help =
    R"(Print the number of orders, from the cache where it has it and from PostgreSQL
where it has not, which then fills the cache.

Usage: ordercache count [OPTION]...

Options:
      --customer N       Count the orders of customer N; repeated, print a line
                         for each: its number, a tab, its count
      --customers-from FILE
                         Do so for the customers in FILE, a number a line;
                         - for stdin
      --refresh          Count anew, and cache that
      --no-cache         Ask PostgreSQL alone; needs no REDIS_SERVICE_URI
)";

constexpr const char* k_count_details = R"(
Environment:
  REDIS_SERVICE_URI      The Redis or Valkey service. Where it cannot be
                         reached, PostgreSQL answers: a warning, status 0
  PG_SERVICE_URI         The PostgreSQL service; not needed for a cached count
  PG_DATABASE            The database to use on it [default: dellstore]
  CACHE_TIMEOUT_SECONDS  How long a cached count may live [default: 120]: a time
                         to live, not a network timeout (that is --timeout)

Exit status: 0 done, 1 stdout cannot be written, 2 wrong usage or
configuration, 3 PostgreSQL failed.

Examples:
  ordercache count
  ordercache count --customer 9999
  ordercache count --customers-from customers.txt --json
)";

constexpr const char* k_add_help =
    R"(Add an order and print its number, or add a CSV file of orders, all or none, and
print how many they are. The cached counts that it changes are dropped.

Usage: ordercache add --date YYYY-MM-DD --customer N --net X --tax Y [OPTION]...
       ordercache add --from FILE [OPTION]...

Options:
      --date YYYY-MM-DD  The day of the order
      --customer N       The number of its customer
      --net X            The net amount, such as 23 or 23.50; -5.00 for a refund
      --tax Y            The tax; net and tax together are the total
      --from FILE        Add the orders of a CSV file with the columns date,
                         customer, net and tax, named in its first line;
                         - for stdin
      --no-cache         Add though Redis cannot be reached; counts may lag
                         until their time to live ends
      --dry-run          Check everything, PostgreSQL's part too; change nothing
)";

constexpr const char* k_add_details = R"(
Environment:
  PG_SERVICE_URI         The PostgreSQL service
  PG_DATABASE            The database to use on it [default: dellstore]
  REDIS_SERVICE_URI      The Redis or Valkey service; not needed for --no-cache

Exit status: 0 done, 1 the order was rejected, 2 wrong usage, value or
configuration, 3 PostgreSQL failed, 4 Redis failed. After 1 to 4 nothing was
written. 5: the order was or may have been committed, look before a retry.

Examples:
  ordercache add --date 2023-02-10 --customer 9999 --net 23.00 --tax 2.00
  ordercache add --date $(date +%F) --customer 9999 --net -5.00 --tax 0
  ordercache add --from orders.csv --dry-run
)";

constexpr const char* k_invalidate_help =
    R"(Drop cached counts and print how many there were: every one, or those that an
order of one customer changes. The next count asks PostgreSQL.

Usage: ordercache invalidate [OPTION]...

Options:
      --customer N       Drop the count of customer N and the total, no others
      --dry-run          Print how many there are; drop none
)";

constexpr const char* k_invalidate_details = R"(
Environment:
  REDIS_SERVICE_URI      The Redis or Valkey service
  CACHE_KEY_PREFIX       What the cache's keys begin with [default: num_orders]

Exit status: 0 done, 1 stdout cannot be written, 2 wrong usage or
configuration, 4 Redis failed.

Examples:
  ordercache invalidate
  ordercache invalidate --customer 9999
)";

constexpr const char* k_ttl_help =
    R"(Print the seconds that a cached count has left to live, rounded up; -1 where it
never expires.

Usage: ordercache ttl [OPTION]...

Options:
      --customer N       Of the count of customer N, not of the total
)";

constexpr const char* k_ttl_details = R"(
Environment:
  REDIS_SERVICE_URI      The Redis or Valkey service
  CACHE_KEY_PREFIX       What the cache's keys begin with [default: num_orders]

Exit status: 0 done, 1 it is not cached or stdout cannot be written, 2 wrong
usage or configuration, 4 Redis failed.

Examples:
  ordercache ttl
  ordercache ttl --customer 9999
)";

/// A page with the options of every command in the middle.
std::string page(const char* above, const char* below) {
    return std::string(above) + k_common_options + below;
}

} // namespace

std::string program_help() {
    return page(k_usage, k_program_details);
}

std::string count_help() {
    return page(k_count_help, k_count_details);
}

std::string add_help() {
    return page(k_add_help, k_add_details);
}

std::string invalidate_help() {
    return page(k_invalidate_help, k_invalidate_details);
}

std::string ttl_help() {
    return page(k_ttl_help, k_ttl_details);
}

std::string short_help() {
    return std::string(k_usage) + "\nSee `ordercache help COMMAND` for its options and examples.\n";
}

} // namespace ordercache
