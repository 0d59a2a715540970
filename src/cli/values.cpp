#include "cli/values.hpp"

#include "base/error.hpp"
#include "base/quoted.hpp"
#include "base/seconds.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace ordercache {

std::string complaint_about(const std::string& value, const TakeValue& take) {
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

std::optional<std::chrono::milliseconds> parse_timeout(std::string_view text) {
    const auto timeout = parse_seconds(text);
    if (!timeout) {
        throw std::invalid_argument(
            fmt::format("a timeout is a number of seconds from 0.001 to {}, "
                        "such as 30 or 0.5, or 0 for none",
                        k_longest_wait.count()));
    }
    return timeout->count() == 0 ? std::nullopt : timeout;
}

std::string parse_file_name(std::string_view text) {
    if (text.starts_with('-') && text != "-") {
        throw std::invalid_argument("a file's name that begins with - needs ./ before it");
    }
    return std::string(text);
}

Order whole_order(const OrderParts& parts) {
    const Order order{.date = parts.date.value(),
                      .customer = parts.customer.value(),
                      .net = parts.net.value(),
                      .tax = parts.tax.value()};
    try {
        order.total();
    } catch (const std::invalid_argument& error) {
        throw usage_error(fmt::format("--net and --tax: {}", error.what()));
    }
    return order;
}

} // namespace ordercache
