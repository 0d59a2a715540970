#include "postgres/order_insert.hpp"

#include "postgres/order_row.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <tuple>

namespace ordercache {

namespace {

/// The types of the columns, so that PostgreSQL reads each value as it would in VALUES. A column
/// that is missing is for the INSERT to complain about.
std::string column_types_sql() {
    return fmt::format(R"sql(
SELECT coalesce(format_type(atttypid, -1), 'text') AS type
FROM unnest(string_to_array('{}', ', ')) WITH ORDINALITY AS wanted (name, place)
LEFT JOIN pg_attribute ON attrelid = 'orders'::regclass AND attname = name
ORDER BY place)sql",
                       k_order_columns);
}

/// For each column an array of its values. Dates and numbers need no quotes in one.
std::vector<std::string> arrays_of(const std::vector<Order>& orders) {
    std::vector<std::string> arrays(std::tuple_size_v<decltype(order_row(orders.front()))>);
    for (const Order& order : orders) {
        const auto row = order_row(order);
        for (std::size_t i = 0; i < row.size(); ++i) {
            arrays[i] += (arrays[i].empty() ? '{' : ',') + row[i];
        }
    }
    for (std::string& array : arrays) {
        array += '}';
    }
    return arrays;
}

/// If the table is plain, the lock is taken in the same statement.
std::string insert_last_sql(const std::string& lock) {
    return fmt::format(R"sql(
INSERT INTO orders ({0}) VALUES ($1, $2, $3, $4, $5)
RETURNING orderid::text AS orderid, customerid::int AS customer, ({0})::text AS content,
          pg_current_xact_id() AS transaction, CASE WHEN {1} THEN {2} END IS NOT NULL AS is_locked)sql",
                       k_order_columns, is_plain_table_sql(), lock);
}

std::string look_closer_sql(const std::string& lock) {
    return fmt::format(R"sql(
SELECT more, more AND EXISTS (SELECT FROM pg_foreign_table) AS may_be_remote,
       CASE WHEN more THEN {1} ELSE {2} END
FROM (SELECT {0} AS more) AS look)sql",
                       may_change_more_sql(), lock_batch_sql(), lock);
}

constexpr auto k_insufficient_privilege = "42501";
constexpr auto k_with_check_option_violation = "44000";

/// Asks after an INSERT that failed because a privilege is missing.
constexpr auto k_is_row_security_why = "SELECT row_security_active('orders') AND "
                                       "has_any_column_privilege('orders', 'INSERT') AS is_why";

/// A row that row security forbids has no SQLSTATE of its own. It gets that of a view's check.
Rows insert(PostgresSession& session, const std::string& sql,
            const std::vector<std::string>& values) {
    try {
        return session.run(sql, values);
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

/// Where a foreign server commits too, all other checks come first, so that an error in answer to
/// COMMIT is its own.
void look_closer(PostgresSession& session, const std::string& lock, Inserted& inserted) {
    const Rows rows = session.run(look_closer_sql(lock));
    inserted.changes_more = rows.only().flag("more");
    inserted.written.may_be_remote = rows.only().flag("may_be_remote");
    if (inserted.written.may_be_remote) {
        session.run(k_check_now);
    }
}

} // namespace

std::string insert_piece_sql(PostgresSession& session) {
    std::string arrays;
    int place = 0;
    const Rows types = session.run(column_types_sql());
    for (const Row row : types) {
        arrays += fmt::format("{}${}::{}[]", place == 0 ? "" : ", ", place + 1, row.text("type"));
        ++place;
    }
    return fmt::format("INSERT INTO orders ({}) SELECT * FROM unnest({}) "
                       "RETURNING customerid::int AS customer",
                       k_order_columns, arrays);
}

std::optional<Inserted> insert_last(PostgresSession& session, const Order& order, bool is_only) {
    if (!is_only) {
        session.run(k_check_now); // what takes long must not last into the COMMIT
    }
    const auto values = order_row(order);
    const auto lock = is_only ? lock_customer_sql("customerid::int") : lock_batch_sql();
    const Rows rows = insert(session, insert_last_sql(lock), {values.begin(), values.end()});
    if (rows.empty()) {
        return std::nullopt;
    }
    const Row row = rows.only();
    Inserted inserted;
    inserted.written.id.transaction = static_cast<TransactionId>(row.number("transaction"));
    inserted.written.content = row.text("content");
    if (!row.is_null("orderid")) {
        inserted.written.id.order = row.text("orderid");
    }
    if (!row.is_null("customer")) {
        inserted.customer = static_cast<CustomerId>(row.number("customer"));
    }
    if (!row.flag("is_locked")) {
        const bool is_for_customer = is_only && inserted.customer;
        look_closer(session,
                    is_for_customer ? lock_customer_sql(row.text("customer")) : lock_batch_sql(),
                    inserted);
    }
    return inserted;
}

Piece insert_piece(PostgresSession& session, const std::string& sql,
                   const std::vector<Order>& orders) {
    const Rows rows = insert(session, sql, arrays_of(orders));
    Piece piece{.stored = static_cast<std::int64_t>(rows.size())};
    piece.customers.reserve(rows.size());
    for (const Row row : rows) {
        if (!row.is_null("customer")) {
            piece.customers.push_back(static_cast<CustomerId>(row.number("customer")));
        }
    }
    return piece;
}

} // namespace ordercache
