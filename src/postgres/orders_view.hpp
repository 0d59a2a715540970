#pragma once

#include "base/customer.hpp"

#include <string>
#include <string_view>

namespace ordercache {

/// Which rows of which table are orders, and the names of its columns. All names are as SQL writes
/// them: the tutorial's without quotes, all others with quotes. By default it is the tutorial's
/// table, in which every row is an order.
struct OrdersView {
    std::string table = "orders"; ///< With its schema if one was given.
    std::string order_id = "orderid";
    std::string customer = "customerid";

    /// Columns that only `add` writes. An empty name stands for a column that it leaves out.
    std::string date = "orderdate";
    std::string net = "netamount";
    std::string tax = "tax";
    std::string total = "totalamount";

    std::string condition = {}; ///< As the user wrote it. Empty if every row is an order.
    CustomerType customer_type = CustomerType::integer;

    std::string schema = "ordercache"; ///< Where follow_sql.hpp puts what a follower needs.
};

/// Returns the table's name as SQL. Accepts one or two SQL names, `table` or `schema.table`; as in
/// SQL, a name without quotes is folded to lower case. Throws std::invalid_argument for all else.
std::string parse_table(std::string_view text);

/// Sets names of columns. Accepts the tutorial's name, `=` and an SQL name, several with commas or
/// blanks between them. A column of an amount, or the date, may be set to nothing. Throws
/// std::invalid_argument for all else.
void parse_columns(std::string_view text, OrdersView& view);

/// Returns an SQL name without its quotes, as in pg_attribute.
std::string bare_name(std::string_view name);

/// Returns an SQL literal of the text.
std::string sql_literal(std::string_view text);

} // namespace ordercache
