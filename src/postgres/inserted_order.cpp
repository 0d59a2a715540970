#include "postgres/pending_orders.hpp"

#include "base/error.hpp"
#include "postgres/order_row.hpp"
#include "postgres/uncommitted.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordercache {

namespace {

/// RETURNING gives the customer that was really stored, whose key is the one to lock. Of a plain
/// table the locks are taken in the same statement.
std::string insert_sql() {
    return fmt::format(R"sql(
INSERT INTO orders ({2})
VALUES ($1, $2, $3, $4, $5)
RETURNING orderid::text AS orderid, customerid::int AS customerid,
          pg_current_xact_id() AS transaction,
          CASE WHEN {0} THEN {1} END IS NOT NULL AS is_locked)sql",
                       is_plain_table_sql(), lock_customer_sql("customerid::int"),
                       fmt::join(order_columns(), ", "));
}

std::string look_closer_sql() {
    return fmt::format(R"sql(
SELECT more, CASE WHEN more THEN {1} ELSE {2} END
FROM (SELECT {0} AS more) AS look)sql",
                       may_change_more_sql(), lock_batch_sql(), lock_customer_sql("$1::int"));
}

constexpr auto k_insufficient_privilege = "42501";
constexpr auto k_with_check_option_violation = "44000";

/// Asks after an INSERT that failed for want of a privilege.
constexpr auto k_is_row_security_why = "SELECT row_security_active('orders') AND "
                                       "has_any_column_privilege('orders', 'INSERT') AS is_why";

/// Row security has no SQLSTATE of its own for a row that it forbids: it gets a view's check's.
Rows insert(PostgresSession& session, const std::vector<std::string>& values) {
    try {
        return session.run(insert_sql(), values);
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

/// An order as PostgreSQL stored it. What it may have left out is absent.
struct Inserted {
    TransactionId transaction;
    std::optional<OrderId> order;
    std::optional<CustomerId> customer;
    bool changes_more = false; ///< Than the counts of its customer and of all.
};

/// Absent: skipped.
std::optional<Inserted> insert(PostgresSession& session, const Order& order, CacheUpdate update) {
    session.run(begin_sql(update));
    const auto values = order_row(order);
    const Rows rows = insert(session, {values.begin(), values.end()});
    if (rows.empty()) {
        return std::nullopt;
    }
    const Row row = rows.only();
    Inserted inserted{static_cast<TransactionId>(row.number("transaction")), std::nullopt,
                      std::nullopt};
    if (row.is_null("orderid") || row.is_null("customerid")) {
        return inserted;
    }
    inserted.order = row.text("orderid");
    inserted.customer = static_cast<CustomerId>(row.number("customerid"));
    if (!row.flag("is_locked")) {
        const Rows look = session.run(look_closer_sql(), {row.text("customerid")});
        inserted.changes_more = look.only().flag("more");
    }
    return inserted;
}

class InsertedOrder : public Uncommitted<PendingOrder> {
public:
    InsertedOrder(std::shared_ptr<PostgresConnection> postgres, const Order& order,
                  CacheUpdate update)
        : Uncommitted(std::move(postgres)) {
        const auto inserted = connection().ask(
            [order, update](PostgresSession& session) { return insert(session, order, update); });
        if (!inserted) {
            throw refusal("the order was skipped, not stored");
        }
        if (!inserted->customer || !inserted->order) {
            throw refusal("the order would be stored without its customer or its number");
        }
        m_id = *inserted->order;
        m_customer = *inserted->customer;
        m_changes_more = inserted->changes_more;
        set_write_id({inserted->transaction, m_id, !m_changes_more, order});
    }

    OrderId id() const override { return m_id; }
    CustomerId customer() const override { return m_customer; }

    std::int64_t size() const override { return 1; }

    std::optional<std::vector<Scope>> changed_customers() const override {
        if (m_changes_more) {
            return std::nullopt;
        }
        return std::vector<Scope>{Scope{m_customer}};
    }

private:
    Error refusal(const char* what) {
        return connection().failure(
            ErrorKind::rejected,
            fmt::format("{}: a trigger or a rule of the table orders is why", what));
    }

    OrderId m_id;
    CustomerId m_customer = 0;
    bool m_changes_more = false;
};

} // namespace

std::unique_ptr<PendingOrder> insert_order(const std::shared_ptr<PostgresConnection>& connection,
                                           const Order& order, CacheUpdate update) {
    return std::make_unique<InsertedOrder>(connection, order, update);
}

} // namespace ordercache
