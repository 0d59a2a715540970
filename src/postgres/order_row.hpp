#pragma once

#include "base/order.hpp"
#include "postgres/session.hpp"

#include <string>

namespace ordercache {

/// The columns of `orders` that the program writes.
CopyRow<std::string> order_columns();

/// What an order has in them, as text.
CopyRow<std::string> order_row(const Order& order);

} // namespace ordercache
