#pragma once

#include "base/order.hpp"
#include "io/output.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ordercache {

/// How a count uses the cache.
enum class CacheUse { normal, refresh, none };

struct Count {
    std::vector<CustomerId> customers;         ///< Empty for the total, and with a file.
    std::optional<std::string> customers_from; ///< A file of ids, `-` for stdin.
    CacheUse cache = CacheUse::normal;
};

struct Add {
    std::optional<Order> order;      ///< Either this order …
    std::optional<std::string> from; ///< … or a CSV file of orders, `-` for stdin.
    bool use_cache = true;
    bool dry_run = false;
};

/// What invalidate does.
enum class InvalidateMode {
    drop,             ///< Drops cached counts.
    drop_stale,       ///< Drops counts that differ from PostgreSQL's.
    follow,           ///< Keeps the cache true to others' writes, until a signal ends it.
    print_setup_sql,  ///< Prints the SQL that installs what follow needs.
    print_removal_sql ///< Prints the SQL that removes it.
};

struct Invalidate {
    InvalidateMode mode = InvalidateMode::drop;
    std::optional<CustomerId> customer; ///< nullopt for every count. Only with the drops.
    bool dry_run = false;               ///< Only with the drops.
};

struct Ttl {
    std::optional<CustomerId> customer; ///< nullopt for the total.
};

using Command = std::variant<Count, Add, Invalidate, Ttl>;

/// A checked command line: every value is in its range.
struct Invocation {
    Command command;
    Format format = Format::text;
    bool verbose = false;
    bool quiet = false;
    std::optional<std::chrono::milliseconds> timeout =
        std::chrono::seconds(30);   ///< nullopt for none.
    bool timeout_was_given = false; ///< False for the default.
};

/// A page in place of a command: help or the version, or the short help without arguments,
/// which is wrong usage.
struct Page {
    std::string text;
    bool was_asked_for = true;
};

/// Parses the command line. Calls `customer_type` once it has a customer to parse. Throws Error
/// (usage), which says what is wrong, and suggests the nearest name for one that is unknown.
std::variant<Invocation, Page>
parse_command_line(int argc, const char* const* argv,
                   const std::function<CustomerType()>& customer_type);

} // namespace ordercache
