#include "postgres/order_insert.hpp"

#include "postgres/array_element.hpp"
#include "postgres/sql.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>

namespace ordercache {

namespace {

using OrderRow = std::array<std::string, 5>;

/// Returns the values of k_order_columns.
OrderRow row_of(const Order& order) {
    return {to_string(order.date), order.customer.text, order.net.to_string(),
            order.tax.to_string(), order.total().to_string()};
}

/// Returns an array of values for each column.
OrderRow arrays_of(const std::vector<Order>& orders) {
    OrderRow arrays;
    for (const Order& order : orders) {
        const OrderRow row = row_of(order);
        for (std::size_t i = 0; i < row.size(); ++i) {
            arrays[i] += (arrays[i].empty() ? '{' : ',') + array_element(row[i]);
        }
    }
    for (std::string& array : arrays) {
        array += '}';
    }
    return arrays;
}

std::string lock_sql(const std::string& key, std::int32_t other_key) {
    return fmt::format(fmt::runtime(sql::k_writers_lock), fmt::arg("class", k_lock_class),
                       fmt::arg("key", key), fmt::arg("other_key", other_key));
}

/// `customer` is an SQL expression.
std::string lock_customer_sql(const std::string& customer) {
    return lock_sql(customer, k_lock_all);
}

std::string lock_batch_sql() {
    return lock_sql(std::to_string(k_lock_batch), k_lock_batch);
}

constexpr auto k_insufficient_privilege = "42501";
constexpr auto k_with_check_option_violation = "44000";

/// Asked after an INSERT failed because a privilege is missing.
constexpr auto k_is_row_security_why = "SELECT row_security_active('orders') AND "
                                       "has_any_column_privilege('orders', 'INSERT') AS is_why";

/// PostgreSQL reports a row that row security forbids as a missing privilege. This reports it as a
/// view's check that failed.
Rows insert(PostgresSession& session, const std::string& sql, const OrderRow& values) {
    try {
        return session.run(sql, {values.begin(), values.end()});
    } catch (const SessionFailure& failed) {
        if (failed.sqlstate() != k_insufficient_privilege) {
            throw;
        }
        session.roll_back();
        if (!session.run(k_is_row_security_why).only().flag("is_why")) {
            throw;
        }
        throw SessionFailure(failed.what(), k_with_check_option_violation);
    }
}

/// If a foreign server may commit a part, runs all other checks first, so that an error in reply to
/// COMMIT comes from that server.
void look_closer(PostgresSession& session, const std::string& lock, InsertedOrder& inserted) {
    const Row look =
        session
            .run(fmt::format(fmt::runtime(sql::k_look_closer),
                             fmt::arg("changes_more", sql::k_changes_more), fmt::arg("lock", lock),
                             fmt::arg("batch_lock", lock_batch_sql())))
            .only();
    inserted.changes_more = look.flag("more");
    inserted.write.may_be_remote = look.flag("may_be_remote");
    if (inserted.write.may_be_remote) {
        session.run(k_check_now);
    }
}

} // namespace

std::string insert_piece_sql(PostgresSession& session) {
    std::string arrays;
    int place = 0;
    for (const Row& column : session.run(fmt::format(fmt::runtime(sql::k_column_types),
                                                     fmt::arg("columns", k_order_columns)))) {
        arrays +=
            fmt::format("{}${}::{}[]", place == 0 ? "" : ", ", place + 1, column.text("type"));
        ++place;
    }
    return fmt::format("INSERT INTO orders ({}) SELECT * FROM unnest({}) "
                       "RETURNING customerid::int AS customer",
                       k_order_columns, arrays);
}

InsertedPiece insert_piece(PostgresSession& session, const std::string& sql,
                           const std::vector<Order>& orders) {
    const Rows rows = insert(session, sql, arrays_of(orders));
    InsertedPiece piece{.stored = static_cast<std::int64_t>(rows.size())};
    for (const Row& row : rows) {
        if (!row.is_null("customer")) {
            piece.customers.push_back({row.text("customer")});
        }
    }
    return piece;
}

std::optional<InsertedOrder> insert_last(PostgresSession& session, const Order& order,
                                         bool is_only) {
    if (!is_only) {
        session.run(k_check_now); // what takes long must not last into the COMMIT
    }
    const auto sql = fmt::format(
        fmt::runtime(sql::k_insert_order), fmt::arg("columns", k_order_columns),
        fmt::arg("changes_more", sql::k_changes_more),
        fmt::arg("lock", is_only ? lock_customer_sql("customerid::int") : lock_batch_sql()));
    const Rows rows = insert(session, sql, row_of(order));
    if (rows.empty()) {
        return std::nullopt;
    }
    const Row row = rows.only();
    InsertedOrder inserted;
    inserted.write.id.transaction = static_cast<TransactionId>(row.number("transaction"));
    inserted.write.content = row.text("content");
    if (!row.is_null("orderid")) {
        inserted.write.id.order = row.text("orderid");
    }
    if (!row.is_null("customer")) {
        inserted.customer = CustomerId{row.text("customer")};
    }
    if (!row.flag("is_locked")) {
        const bool is_for_customer = is_only && inserted.customer;
        look_closer(session,
                    is_for_customer ? lock_customer_sql(row.text("customer")) : lock_batch_sql(),
                    inserted);
    }
    return inserted;
}

} // namespace ordercache
