#pragma once

#include "postgres/orders_view.hpp"

#include <fmt/format.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// Statements are written from the view of orders.
namespace ordercache {

/// Returns the names of the columns that `add` writes.
std::vector<std::string> written_columns(const OrdersView& view);

/// Returns the same names with commas between them.
std::string written_columns_sql(const OrdersView& view);

/// Expressions of a row: its customer's id, in the form that CustomerId has, and the key of its
/// customer's lock.
std::string customer_id_sql(const OrdersView& view);
std::string lock_key_sql(const OrdersView& view);

/// Whether the row's customer is one of the array $1.
std::string is_customer_sql(const OrdersView& view);

/// Whether the row is an order, or NULL if that is unknown. The user's condition ends with its
/// line, so that a comment in it cannot hide our parenthesis.
std::string is_order_sql(const OrdersView& view);

/// The number of all orders.
std::string count_rows_sql(const OrdersView& view);

/// Whether the role may call a function of the view's schema.
std::string may_call_sql(const OrdersView& view, const char* function);

/// Notes that many orders, an SQL expression, for the known total; NULL if their number is not
/// known.
std::string note_handled_sql(const OrdersView& view, const std::string& orders);

/// Returns the statement with the names of the view, and `more`, in place of its placeholders. fmt
/// 11.1 does not count a reference among the named arguments, and writes past the end of their
/// list.
template <typename... More>
std::string sql_of(const char* statement, const OrdersView& view, More&&... more) {
    static_assert((!std::is_lvalue_reference_v<More> && ...));
    return fmt::format(
        fmt::runtime(statement), fmt::arg("schema", view.schema), fmt::arg("table", view.table),
        fmt::arg("table_name", sql_literal(view.table)), fmt::arg("order_id", view.order_id),
        fmt::arg("customer", view.customer), fmt::arg("columns", written_columns_sql(view)),
        fmt::arg("customer_id", customer_id_sql(view)), fmt::arg("lock_key", lock_key_sql(view)),
        fmt::arg("is_order", is_order_sql(view)), std::forward<More>(more)...);
}

} // namespace ordercache
