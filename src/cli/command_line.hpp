#pragma once

#include "base/exit_status.hpp"
#include "base/order.hpp"
#include "io/output.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ordercache {

/// How a count deals with the cache.
enum class CacheUse { normal, refresh, none };

struct Count {
    std::vector<CustomerId> customers;         ///< Empty: the total, or a file's.
    std::optional<std::string> customers_from; ///< A file of ids, `-` for stdin.
    CacheUse cache = CacheUse::normal;
};

struct Add {
    std::optional<Order> order;      ///< Either this one …
    std::optional<std::string> from; ///< … or a CSV file of them, `-` for stdin.
    bool use_cache = true;
    bool dry_run = false;
};

/// What invalidate does.
enum class InvalidateMode {
    drop,             ///< Drops counts, whatever they are.
    drop_stale,       ///< Drops those that differ from PostgreSQL's.
    follow,           ///< Keeps the cache true to others' writes, until a signal ends it.
    print_setup_sql,  ///< Prints the SQL that installs what follow needs.
    print_removal_sql ///< Prints the SQL that removes it.
};

struct Invalidate {
    InvalidateMode mode = InvalidateMode::drop;
    std::optional<CustomerId> customer; ///< Absent: every cached count. Only with the drops.
    bool dry_run = false;               ///< Only with the drops.
};

struct Ttl {
    std::optional<CustomerId> customer; ///< Absent: the total's.
};

using Command = std::variant<Count, Add, Invalidate, Ttl>;

/// What was asked for, checked: no value in it is out of its range.
struct Invocation {
    Command command;
    Format format = Format::text;
    bool verbose = false;
    bool quiet = false;
    std::optional<std::chrono::milliseconds> timeout = std::chrono::seconds(30); ///< Absent: none.
    bool timeout_was_given = false; ///< Else it is the default.
};

/// A page instead of a command: help or the version, asked for (stdout, done), or the short help
/// that a bare `ordercache` gets (stderr, usage).
struct Page {
    std::string text;
    ExitStatus status = ExitStatus::done;
};

/// Takes the command line apart. Throws Error (usage) with a sentence that names what is wrong,
/// and the nearest name that exists where one is unknown.
std::variant<Invocation, Page> parse_command_line(int argc, const char* const* argv);

} // namespace ordercache
