#pragma once

#include "base/order.hpp"

#include <array>
#include <string>

namespace ordercache {

/// The columns of `orders` that the program writes.
inline constexpr auto k_order_columns = "orderdate, customerid, netamount, tax, totalamount";

/// What an order has in them, as text.
inline std::array<std::string, 5> order_row(const Order& order) {
    return {to_string(order.date), std::to_string(order.customer), order.net.to_string(),
            order.tax.to_string(), order.total().to_string()};
}

} // namespace ordercache
