#include "postgres/view_check.hpp"

#include "postgres/failure_text.hpp"
#include "postgres/sql.hpp"
#include "postgres/view_sql.hpp"

#include <fmt/format.h>

#include <string>

namespace ordercache {

namespace {

std::string wrong_condition(const SessionFailure& failure) {
    return "ORDERS_WHERE is refused: " + reason_of_failure(failure);
}

/// If the column is missing, it has no type, and the next statement fails.
void check_both(PostgresSession& session) {
    const OrdersView& view = *session.view;
    const auto sql =
        sql_of(sql::k_check_view, view,
               fmt::arg("condition", view.condition.empty() ? "true" : view.condition));
    const Row row = session.run(sql, {bare_name(view.customer)}).only();
    const auto& type = row.value("type");
    const auto& word = row.value("word");
    if (type && (!word || parse_customer_type(*word) != view.customer_type)) {
        throw WrongView(fmt::format("the column {} is of type {}: set {}", view.customer, *type,
                                    word ? "ORDERS_CUSTOMER_TYPE=" + *word : "ORDERS_COLUMNS"));
    }
}

} // namespace

void check_view(PostgresSession& session) {
    const OrdersView& view = *session.view;
    constexpr auto of_conditions = "0A 22 38 39 42 54 P0"; // not of the server
    if (view.condition.empty() && view.customer_type == CustomerType::integer) {
        return;
    }
    try {
        check_both(session);
    } catch (const SessionFailure& failed) {
        const bool is_of_table = has("42P01 42501", failed.sqlstate()) && names_table(failed, view);
        if (view.condition.empty() || is_of_table ||
            !has(of_conditions, failed.sqlstate().substr(0, 2))) {
            throw;
        }
        throw WrongView(wrong_condition(failed));
    }
}

void explain_failure(PostgresSession& session, const SessionFailure& failure) {
    constexpr auto of_types = "22P02 42725 42804 42846 42883";
    if (has(of_types, failure.sqlstate())) {
        session.roll_back();
        check_both(session);
    }
    throw failure;
}

Rows run_count(PostgresSession& session, const std::string& sql,
               const std::vector<std::string>& parameters) {
    try {
        return session.run(sql, parameters);
    } catch (const SessionFailure& failed) {
        if (failed.sqlstate().starts_with("22") && !session.view->condition.empty()) {
            throw WrongView(wrong_condition(failed)); // for one of the rows
        }
        explain_failure(session, failed);
    }
}

} // namespace ordercache
