#include "postgres/view_sql.hpp"

#include "postgres/sql.hpp"

#include <fmt/ranges.h>

namespace ordercache {

std::vector<std::string> written_columns(const OrdersView& view) {
    std::vector<std::string> columns = {view.date, view.customer, view.net, view.tax, view.total};
    std::erase(columns, "");
    return columns;
}

std::string written_columns_sql(const OrdersView& view) {
    return fmt::format("{}", fmt::join(written_columns(view), ", "));
}

/// With this collation, texts that the column's own one takes for equal are different customers.
std::string customer_id_sql(const OrdersView& view) {
    switch (view.customer_type) {
    case CustomerType::uuid:
        return view.customer + "::text";
    case CustomerType::text:
        return view.customer + "::text COLLATE \"C\"";
    case CustomerType::integer:
        break;
    }
    return view.customer + "::bigint";
}

/// Numbers are compared as 64-bit integers, so that a column of a smaller or inexact type does not
/// confuse two of them.
std::string is_customer_sql(const OrdersView& view) {
    const bool is_text = view.customer_type == CustomerType::text;
    const std::string type =
        view.customer_type == CustomerType::integer ? "bigint" : to_string(view.customer_type);
    const std::string left = is_text ? customer_id_sql(view) : view.customer;
    return fmt::format("{} = ANY($1::{}[])", left, type);
}

std::string lock_key_sql(const OrdersView& view) {
    if (view.customer_type != CustomerType::integer) {
        return fmt::format("hashtext({})", customer_id_sql(view));
    }
    return fmt::format(
        "CASE WHEN {0} BETWEEN 1 AND 2147483647 THEN {0}::int ELSE hashtext({0}::bigint::text) END",
        view.customer);
}

std::string is_order_sql(const OrdersView& view) {
    return view.condition.empty() ? "true" : fmt::format("({}\n)", view.condition);
}

std::string count_rows_sql(const OrdersView& view) {
    return sql_of("(SELECT count(*) FROM {table} WHERE {is_order})", view);
}

std::string may_call_sql(const OrdersView& view, const char* function) {
    return fmt::format(fmt::runtime(sql::k_may_call), fmt::arg("schema", view.schema),
                       fmt::arg("function", function));
}

std::string note_handled_sql(const OrdersView& view, const std::string& orders) {
    return fmt::format("{}.note_handled({})", view.schema, orders);
}

} // namespace ordercache
