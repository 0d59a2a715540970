#pragma once

#include "base/order.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ordercache {

/// Parses a value and keeps it. Throws std::invalid_argument with what is wrong with it.
using TakeValue = std::function<void(const std::string&)>;

/// Has the value taken, and says what is wrong with it, if anything; empty: nothing.
std::string complaint_about(const std::string& value, const TakeValue& take);

/// Takes decimal digits, and after a point one to three more: seconds; gives nothing for 0, which
/// is no limit. Throws std::invalid_argument, whose message says what is wrong, for all else.
std::optional<std::chrono::milliseconds> parse_timeout(std::string_view text);

/// Takes a file's name, `-` for stdin. Throws std::invalid_argument for what looks like an option.
std::string parse_file_name(std::string_view text);

/// The parts of an order, which options give one by one.
struct OrderParts {
    std::optional<std::chrono::year_month_day> date;
    std::optional<CustomerId> customer;
    std::optional<Amount> net;
    std::optional<Amount> tax;
};

/// The order of all its parts, which must be there. Throws Error (usage) where net and tax are too
/// much together.
Order whole_order(const OrderParts& parts);

} // namespace ordercache
