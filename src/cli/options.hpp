#pragma once

#include "cli/command_line.hpp"

namespace CLI {
class App;
}

namespace ordercache {

/// What was typed, each value checked by itself.
struct Options {
    std::vector<std::string> customer_words; ///< Not checked yet.
    std::vector<CustomerId> customers;       ///< Those words, once their type is known.
    std::optional<std::string> customers_from;
    bool refresh = false;
    bool no_cache = false;
    std::optional<std::chrono::year_month_day> date;
    std::optional<Amount> net;
    std::optional<Amount> tax;
    std::optional<std::string> from;
    bool dry_run = false;
    bool stale = false;
    bool follow = false;
    std::string follow_sql; ///< Empty unless --follow-sql was given; `true`, or its value.
    bool json = false;
    bool verbose = false;
    bool quiet = false;
    std::optional<std::chrono::milliseconds> timeout; ///< 0 for none.
};

/// Defines the options of all commands, so that one may stand before its command. `options` must
/// outlive `app`.
void define_options(CLI::App& app, Options& options);

} // namespace ordercache
