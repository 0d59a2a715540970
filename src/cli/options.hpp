#pragma once

#include "cli/command_line.hpp"

namespace CLI {
class App;
}

namespace ordercache {

/// What was typed, each value checked by itself.
struct Options {
    Invocation invocation; ///< All of it but the command, which is made of the values below.
    std::vector<CustomerId> customers;
    std::optional<std::string> customers_from;
    CacheUse cache = CacheUse::normal;
    std::optional<std::chrono::year_month_day> date;
    std::optional<Amount> net;
    std::optional<Amount> tax;
    std::optional<std::string> from;
    InvalidateMode mode = InvalidateMode::drop;
    bool dry_run = false;
};

/// Defines the options of all commands, so that one may stand before its command. `options` must
/// outlive `app`. Parsing calls `customer_type` for each customer, and throws what it throws.
void define_options(CLI::App& app, Options& options,
                    const std::function<CustomerType()>& customer_type);

} // namespace ordercache
