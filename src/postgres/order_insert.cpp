#include "postgres/order_insert.hpp"

#include "postgres/array_element.hpp"
#include "postgres/sql.hpp"
#include "postgres/view_check.hpp"
#include "postgres/view_sql.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <string_view>
#include <utility>

namespace ordercache {

namespace {

/// A whole amount has no decimals, so that a column of integers takes it.
std::string text_of(Amount amount) {
    constexpr std::string_view no_cents = ".00";
    std::string text = amount.to_string();
    if (text.ends_with(no_cents)) {
        text.resize(text.size() - no_cents.size());
    }
    return text;
}

/// Returns the values of written_columns().
std::vector<std::string> row_of(const Order& order, const OrdersView& view) {
    std::vector<std::string> row;
    const auto write = [&](const std::string& column, std::string value) {
        if (!column.empty()) {
            row.push_back(std::move(value));
        }
    };
    write(view.date, to_string(order.date));
    write(view.customer, order.customer.text);
    write(view.net, text_of(order.net));
    write(view.tax, text_of(order.tax));
    write(view.total, text_of(order.total()));
    return row;
}

/// Returns an array of values for each column.
std::vector<std::string> arrays_of(const std::vector<Order>& orders, const OrdersView& view) {
    std::vector<std::string> arrays(written_columns(view).size());
    for (const Order& order : orders) {
        const auto row = row_of(order, view);
        for (std::size_t i = 0; i < row.size(); ++i) {
            arrays[i] += (arrays[i].empty() ? '{' : ',') + array_element(row[i]);
        }
    }
    for (std::string& array : arrays) {
        array += '}';
    }
    return arrays;
}

/// `key` is an SQL expression.
std::string lock_keys_sql(const std::string& key, std::int32_t other_key) {
    return fmt::format(fmt::runtime(sql::k_writers_lock), fmt::arg("class", k_lock_class),
                       fmt::arg("key", key), fmt::arg("other_key", other_key));
}

std::string lock_batch_sql() {
    return lock_keys_sql(std::to_string(k_lock_batch), k_lock_batch);
}

std::string is_plain_sql(const OrdersView& view) {
    return sql_of(sql::k_is_plain, view, fmt::arg("changes_more", sql::k_changes_more));
}

constexpr auto k_insufficient_privilege = "42501";
constexpr auto k_with_check_option_violation = "44000";

/// Asked after an INSERT failed because a privilege is missing.
constexpr auto k_is_row_security_why = "SELECT row_security_active({table_name}) AND "
                                       "has_any_column_privilege({table_name}, 'INSERT') AS is_why";

/// PostgreSQL reports a row that row security forbids as a missing privilege. This reports it as a
/// view's check that failed.
Rows insert(PostgresSession& session, const std::string& sql,
            const std::vector<std::string>& values) {
    try {
        return session.run(sql, values);
    } catch (const SessionFailure& failed) {
        if (failed.sqlstate() != k_insufficient_privilege) {
            explain_failure(session, failed);
        }
        session.roll_back();
        if (!session.run(sql_of(k_is_row_security_why, *session.view)).only().flag("is_why")) {
            throw;
        }
        throw SessionFailure(failed.what(), k_with_check_option_violation);
    }
}

/// Takes the lock, and runs `note`, if the last order counts or another one of the file does.
/// `counts` and `key`, the key of its customer's lock, are SQL expressions.
std::string lock_last_sql(const Others& others, const std::string& counts,
                          const std::optional<std::string>& key, const std::string& note = "") {
    const std::string lock =
        (others.are_there || !key ? lock_batch_sql() : lock_keys_sql(*key, k_lock_all)) + note;
    return others.counted > 0 ? lock
                              : fmt::format("CASE WHEN {} THEN {} ELSE '' END", counts, lock);
}

std::string note_orders_sql(const OrdersView& view, const Others& others) {
    return others.must_be_noted
               ? " || " + note_handled_sql(view, fmt::format("{} + ({} IS TRUE)::int",
                                                             others.counted, is_order_sql(view)))
               : "";
}

Rows insert_and_lock(PostgresSession& session, const Order& order, const Others& others) {
    const OrdersView& view = *session.view;
    const auto values = row_of(order, view);
    std::vector<std::string> places;
    while (places.size() < values.size()) {
        places.push_back(fmt::format("${}", places.size() + 1));
    }
    const std::string lock = lock_last_sql(others, is_order_sql(view), lock_key_sql(view),
                                           note_orders_sql(view, others));
    return insert(session,
                  sql_of(sql::k_insert_order, view, fmt::arg("values", fmt::join(places, ", ")),
                         fmt::arg("is_plain", is_plain_sql(view)), fmt::arg("lock", lock)),
                  values);
}

StoredOrder stored_order(const Row& row) {
    StoredOrder order{.counts = row.flag("counts")};
    if (const auto& customer = row.value("customer")) {
        order.customer = CustomerId{*customer};
    }
    return order;
}

InsertedOrder inserted_order(const Row& row) {
    return {.id = {.transaction = static_cast<TransactionId>(row.number("transaction")),
                   .order = row.value("orderid")},
            .content = row.text("content"),
            .stored = stored_order(row)};
}

/// For a table that is not plain. If a foreign server may commit a part, runs all other checks
/// first, so that an error in reply to COMMIT comes from that server.
void look_closer(PostgresSession& session, const Row& row, const Others& others,
                 InsertedOrder& inserted) {
    const Row look =
        session
            .run(sql_of(
                sql::k_look_closer, *session.view, fmt::arg("changes_more", sql::k_changes_more),
                fmt::arg("lock", lock_last_sql(others, inserted.stored.counts ? "true" : "false",
                                               row.value("lock_key"))),
                fmt::arg("batch_lock", lock_batch_sql())))
            .only();
    inserted.changes_more = look.flag("more");
    inserted.may_be_remote = look.flag("may_be_remote");
    if (inserted.may_be_remote) {
        session.run(k_check_now);
    }
}

} // namespace

bool begin_orders(PostgresSession& session, bool is_handled) {
    if (!is_handled) {
        session.run(sql::k_begin_orders);
        return false;
    }
    const OrdersView& view = *session.view;
    const Rows marked = session.run(
        fmt::format("{};\n{}", sql::k_begin_orders,
                    sql_of(sql::k_handle_orders, view, fmt::arg("is_plain", is_plain_sql(view)),
                           fmt::arg("may_call", may_call_sql(view, "note_handled")))));
    return !marked.empty() && marked.only().flag("notes");
}

std::string insert_piece_sql(PostgresSession& session) {
    const OrdersView& view = *session.view;
    std::vector<std::string> names;
    for (const std::string& column : written_columns(view)) {
        names.push_back(sql_literal(bare_name(column)));
    }
    std::vector<std::string> arrays;
    for (const Row& column : session.run(
             sql_of(sql::k_column_types, view, fmt::arg("names", fmt::join(names, ", "))))) {
        arrays.push_back(fmt::format("${}::{}[]", arrays.size() + 1, column.text("type")));
    }
    return sql_of("INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays}) "
                  "RETURNING {customer_id} AS customer, {is_order} IS TRUE AS counts",
                  view, fmt::arg("arrays", fmt::join(arrays, ", ")));
}

std::vector<StoredOrder> insert_piece(PostgresSession& session, const std::string& sql,
                                      const std::vector<Order>& orders) {
    std::vector<StoredOrder> stored;
    for (const Row& row : insert(session, sql, arrays_of(orders, *session.view))) {
        stored.push_back(stored_order(row));
    }
    return stored;
}

std::optional<InsertedOrder> insert_last(PostgresSession& session, const Order& order,
                                         const Others& others) {
    if (others.are_there) {
        session.run(k_check_now); // what takes long must not last into the COMMIT
    }
    const Rows rows = insert_and_lock(session, order, others);
    if (rows.empty()) {
        return std::nullopt;
    }
    const Row row = rows.only();
    InsertedOrder inserted = inserted_order(row);
    if (!row.flag("is_locked")) {
        look_closer(session, row, others, inserted);
        if (others.must_be_noted) { // the table has changed since the transaction began
            session.run("SELECT " + note_handled_sql(*session.view, "NULL"));
        }
    }
    return inserted;
}

} // namespace ordercache
