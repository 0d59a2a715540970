#include "postgres/inserted_orders.hpp"

#include "base/error.hpp"
#include "postgres/connection.hpp"
#include "postgres/follow_sql.hpp"
#include "postgres/order_row.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace ordercache {

namespace {

/// The isolation that the protocol needs, whatever the server's default. A commit that is reported
/// must survive a crash. A writer whose host is gone must not hold its lock for hours.
constexpr auto k_begin = R"sql(
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT set_config('synchronous_commit', 'on', true)
WHERE current_setting('synchronous_commit') = 'off';
SELECT set_config('tcp_keepalives_idle', '60', true), set_config('tcp_keepalives_interval', '10', true),
       set_config('tcp_keepalives_count', '6', true)
WHERE current_setting('tcp_keepalives_idle')::int > 60)sql";

constexpr auto k_check_now = "SET CONSTRAINTS ALL IMMEDIATE";

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

/// RETURNING says which rows were stored, and for whom.
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

/// The last order, as PostgreSQL stored it.
struct Inserted {
    Written written;
    std::optional<CustomerId> customer;
    bool changes_more = false;
};

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

/// Returns nullopt if PostgreSQL skipped the order.
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

/// The customers of the orders that were stored. An order without one changes the total alone.
struct Piece {
    std::int64_t stored = 0;
    std::vector<CustomerId> customers = {};
};

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

/// Runs `act`, and says which orders of the file PostgreSQL rejected.
template <typename Act>
auto naming_place(const std::string& place, Act act) {
    try {
        return act();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::rejected) {
            throw;
        }
        throw Error(error.kind(), fmt::format("{} ({} of the file)", error.what(), place));
    }
}

} // namespace

InsertedOrders::InsertedOrders(std::shared_ptr<PostgresConnection> connection, CacheUpdate update)
    : m_connection(std::move(connection)) {
    m_connection->begin();
    m_connection->ask([update](PostgresSession& session) {
        session.run(update == CacheUpdate::by_writer
                        ? fmt::format("{};\n{}", k_begin, k_mark_as_handled)
                        : k_begin);
    });
}

InsertedOrders::~InsertedOrders() {
    if (!m_is_over) {
        m_connection->roll_back();
    }
}

void InsertedOrders::add(std::vector<Order> orders) {
    m_size += static_cast<std::int64_t>(orders.size());
    if (m_last) {
        orders.insert(orders.begin(), *m_last);
    }
    m_last = orders.back();
    orders.pop_back();
    if (!orders.empty()) {
        insert_piece(std::move(orders));
    }
}

void InsertedOrders::insert_piece(std::vector<Order> orders) {
    if (m_insert.empty()) {
        m_insert = m_connection->ask(insert_piece_sql);
    }
    const std::int64_t last = m_size - 1;
    const std::int64_t first = m_size - std::ssize(orders);
    const auto place = first == last ? fmt::format("order {}", last)
                                     : fmt::format("one of orders {} to {}", first, last);
    const Piece piece = naming_place(place, [&] {
        return m_connection->ask(
            [sql = m_insert, orders = std::move(orders)](PostgresSession& session) {
                return ordercache::insert_piece(session, sql, orders);
            });
    });
    m_stored += piece.stored;
    note_customers(piece.customers);
}

void InsertedOrders::finish() {
    const bool is_only = m_size == 1;
    const auto act = [&] {
        return m_connection->ask([order = *m_last, is_only](PostgresSession& session) {
            return insert_last(session, order, is_only);
        });
    };
    const auto inserted = is_only ? act() : naming_place(fmt::format("order {}", m_size), act);
    m_stored += inserted ? 1 : 0;
    check_stored();
    m_written = inserted->written;
    m_customer = inserted->customer;
    m_changes_more = inserted->changes_more;
    if (m_customer) {
        note_customers({*m_customer});
    }
    sort_customers();
}

void InsertedOrders::check() {
    m_connection->ask([](PostgresSession& session) { session.run(k_check_now); });
}

const OrderId& InsertedOrders::id() const {
    if (!m_written.id.order || !m_customer) {
        throw refusal("the order would be stored without its customer or its number");
    }
    return *m_written.id.order;
}

std::optional<std::vector<Scope>> InsertedOrders::changed_customers() const {
    if (m_changes_more) {
        return std::nullopt;
    }
    return std::vector<Scope>(m_customers.begin(), m_customers.end());
}

CommitEnd InsertedOrders::commit() {
    m_is_over = true; // or it is not known: there is nothing left to roll back
    return ordercache::commit(*m_connection, m_written);
}

void InsertedOrders::check_stored() const {
    if (m_stored < m_size) {
        throw refusal(m_size == 1 ? "the order was skipped, not stored"
                                  : fmt::format("{} of {} orders would be stored, so none is added",
                                                m_stored, m_size));
    }
}

/// Sorts them when they have doubled: a file may name each customer many times.
void InsertedOrders::note_customers(const std::vector<CustomerId>& customers) {
    constexpr std::size_t first_sorting = 64 << 10;
    m_customers.insert(m_customers.end(), customers.begin(), customers.end());
    if (m_customers.size() >= std::max(first_sorting, 2 * m_distinct)) {
        sort_customers();
    }
}

void InsertedOrders::sort_customers() {
    std::ranges::sort(m_customers);
    const auto repeats = std::ranges::unique(m_customers);
    m_customers.erase(repeats.begin(), repeats.end());
    m_distinct = m_customers.size();
}

Error InsertedOrders::refusal(const std::string& what) const {
    return m_connection->failure(
        ErrorKind::rejected,
        fmt::format("{}: a trigger or a rule of the table orders skips or changes it", what));
}

} // namespace ordercache
