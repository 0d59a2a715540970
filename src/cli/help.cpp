#include "cli/help.hpp"

namespace ordercache {

const HelpTexts k_program_help = {
    .summary = "",
    .description =
        R"(How many orders are there? ordercache answers from a Redis cache in front of
PostgreSQL, adds orders, and keeps the cache true.

Usage: ordercache COMMAND [OPTION]...
)",
    .footer = R"(
Environment:
  PG_SERVICE_URI         The PostgreSQL service, such as
                         postgres://user:password@host:5432/defaultdb
  PG_DATABASE            The database to use on it; unset: the one that the URI
                         names, or dellstore where it names none or defaultdb
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
)"};

const HelpTexts k_count_help = {
    .summary = "Print the number of orders, in all or of customers",
    .description =
        R"(Print the number of orders, from the cache where it has it and from PostgreSQL
where it has not, which then fills the cache.

Usage: ordercache count [OPTION]...
)",
    .footer = R"(
Environment:
  REDIS_SERVICE_URI      The Redis or Valkey service. Where it cannot be
                         reached, PostgreSQL answers: a warning, status 0
  PG_SERVICE_URI         The PostgreSQL service; not needed for a cached count
  PG_DATABASE            The database to use on it; unset: the one that the URI
                         names, or dellstore where it names none or defaultdb
  CACHE_KEY_PREFIX       What the cache's keys begin with [default: num_orders]
  CACHE_TIMEOUT_SECONDS  How long a cached count may live [default: 120]: a time
                         to live, not a network timeout (that is --timeout)

Exit status: 0 done, 1 stdout cannot be written, 2 wrong usage or
configuration, 3 PostgreSQL failed.

Examples:
  ordercache count
  ordercache count --customer 9999
  ordercache count --customers-from customers.txt --json
)"};

const HelpTexts k_add_help = {
    .summary = "Add an order, or a CSV file of orders",
    .description =
        R"(Add an order and print its number, or add a CSV file of orders, all or none, and
print how many they are. The cached counts that it changes are dropped.

Usage: ordercache add --date YYYY-MM-DD --customer N --net X --tax Y [OPTION]...
       ordercache add --from FILE [OPTION]...
)",
    .footer = R"(
Environment:
  PG_SERVICE_URI         The PostgreSQL service
  PG_DATABASE            The database to use on it; unset: the one that the URI
                         names, or dellstore where it names none or defaultdb
  REDIS_SERVICE_URI      The Redis or Valkey service; not needed for --no-cache
  CACHE_KEY_PREFIX       What the cache's keys begin with [default: num_orders]

Exit status: 0 done, 1 the order was rejected, 2 wrong usage, value or
configuration, 3 PostgreSQL failed, 4 Redis failed. After 1 to 4 nothing was
written. 5: the order was or may have been committed, look before a retry.

Examples:
  ordercache add --date 2023-02-10 --customer 9999 --net 23.00 --tax 2.00
  ordercache add --date $(date +%F) --customer 9999 --net -5.00 --tax 0
  ordercache add --from orders.csv --dry-run
)"};

const HelpTexts k_invalidate_help = {
    .summary = "Drop cached counts",
    .description =
        R"(Drop cached counts and print how many there were: every one, those that an order
of one customer changes, or those alone that are wrong. The next count asks
PostgreSQL.

Usage: ordercache invalidate [OPTION]...
)",
    .footer = R"(
Environment:
  REDIS_SERVICE_URI      The Redis or Valkey service; not for --follow-sql
  PG_SERVICE_URI         The PostgreSQL service; only for --stale and --follow
  PG_DATABASE            The database to use on it; unset: the one that the URI
                         names, or dellstore where it names none or defaultdb
  CACHE_KEY_PREFIX       What the cache's keys begin with [default: num_orders]

Exit status: 0 done, 1 stdout cannot be written, 2 wrong usage or
configuration, 3 PostgreSQL failed, or is not set up for --follow, 4 Redis
failed, 128+n ended by signal n.

Examples:
  ordercache invalidate
  ordercache invalidate --customer 9999
  ordercache invalidate --stale --dry-run -v
  ordercache invalidate --follow-sql >follow.sql
  ordercache invalidate --follow
)"};

const HelpTexts k_ttl_help = {
    .summary = "Print how long a cached count has left to live",
    .description =
        R"(Print the seconds that a cached count has left to live, rounded up; -1 where it
never expires.

Usage: ordercache ttl [OPTION]...
)",
    .footer = R"(
Environment:
  REDIS_SERVICE_URI      The Redis or Valkey service
  CACHE_KEY_PREFIX       What the cache's keys begin with [default: num_orders]

Exit status: 0 done, 1 it is not cached or stdout cannot be written, 2 wrong
usage or configuration, 4 Redis failed.

Examples:
  ordercache ttl
  ordercache ttl --customer 9999
)"};

} // namespace ordercache
