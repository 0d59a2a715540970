#include "postgres/order_row.hpp"

namespace ordercache {

CopyRow<std::string> order_columns() {
    return {"orderdate", "customerid", "netamount", "tax", "totalamount"};
}

CopyRow<std::string> order_row(const Order& order) {
    return {to_string(order.date), std::to_string(order.customer), order.net.to_string(),
            order.tax.to_string(), order.total().to_string()};
}

} // namespace ordercache
