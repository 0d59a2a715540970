// A file of orders: those that are read, written anew, are read again as they were; what is wrong
// is a usage error that names a line of the file.

#include "io/order_file.hpp"

#include "base/error.hpp"
#include "fuzzing.hpp"

#include <algorithm>
#include <optional>

namespace {

using namespace ordercache;

constexpr auto k_header = "date,customer,net,tax\n";

std::string to_csv(const std::vector<Order>& orders) {
    std::string csv = k_header;
    for (const Order& order : orders) {
        csv += fmt::format("{},{},{},{}\n", to_string(order.date), order.customer.text,
                           order.net.to_string(), order.tax.to_string());
    }
    return csv;
}

/// Absent: refused.
std::optional<std::vector<Order>> read_orders(std::string_view csv) {
    const MemoryFile contents(csv);
    std::vector<Order> orders;
    try {
        OrderFile file(contents.path(), CustomerType::integer);
        for (auto some = file.next(); !some.empty(); some = file.next()) {
            orders.insert(orders.end(), some.begin(), some.end());
        }
        require(file.part_read().value_or(1) == 1, "every byte was read");
    } catch (const Error& error) {
        require(error.kind() == ErrorKind::usage, "a refusal is a usage error");
        require(std::string_view(error.what()).find(", line ") != std::string_view::npos,
                "a refusal names the line");
        return std::nullopt;
    }
    return orders;
}

void check(std::string_view csv) {
    if (const auto orders = read_orders(csv)) {
        const std::string written = to_csv(*orders);
        const auto again = read_orders(written);
        require(again && to_csv(*again) == written, "orders are read again as they were");
        require(std::ssize(*orders) <= std::ranges::count(csv, '\n'), "a line has one order");
    }
}

} // namespace

FUZZER(order_file, input) {
    check(input);
    check(k_header + std::string(input));
}
