#include "postgres/pending_orders.hpp"

#include "base/error.hpp"
#include "postgres/commit_outcome.hpp"
#include "postgres/connection.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace ordercache {

namespace {

/// Isolation is said aloud, for the server's default may be another; and a commit that is reported
/// must survive a crash.
constexpr auto k_begin = R"sql(
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT set_config('synchronous_commit', 'on', true)
WHERE current_setting('synchronous_commit') = 'off')sql";

/// RETURNING gives the customer that was really stored, whose key is the one to lock.
std::string insert_sql() {
    return fmt::format(R"sql(
WITH added AS (
    INSERT INTO orders (orderdate, customerid, netamount, tax, totalamount)
    VALUES ($1, $2, $3, $4, $5)
    RETURNING orderid, customerid)
SELECT orderid, customerid, pg_current_xact_id() AS transaction,
       pg_advisory_xact_lock_shared({0}, customerid), pg_advisory_xact_lock_shared({0}, {1})
FROM added)sql",
                       k_lock_class, k_lock_all);
}

/// An order as PostgreSQL stored it.
struct Inserted {
    std::string transaction;
    OrderId order;
    std::optional<CustomerId> customer;
};

/// Absent: skipped.
std::optional<Inserted> insert(PostgresSession& session, const Order& order) {
    const Rows rows = session.run(
        insert_sql(), {to_string(order.date), std::to_string(order.customer), order.net.to_string(),
                       order.tax.to_string(), order.total().to_string()});
    if (rows.empty()) {
        return std::nullopt;
    }
    const Row row = rows.only();
    Inserted inserted{row.text("transaction"), row.number("orderid"), std::nullopt};
    if (!row.is_null("customerid")) {
        inserted.customer = static_cast<CustomerId>(row.number("customerid"));
    }
    return inserted;
}

/// The transaction, an order that it wrote, and whether a trigger may have changed whose orders
/// they are, or written others.
std::string finish_batch_sql() {
    return fmt::format(R"sql(
SELECT pg_current_xact_id() AS transaction,
       currval(pg_get_serial_sequence('orders', 'orderid')) AS orderid,
       EXISTS (SELECT FROM pg_trigger
               WHERE tgrelid = 'orders'::regclass AND NOT tgisinternal AND tgtype & 4 <> 0)
           AS has_triggers,
       pg_advisory_xact_lock_shared({}, {}))sql",
                       k_lock_class, static_cast<std::int32_t>(k_lock_batch));
}

/// What an inserted order and a batch have in common.
template <typename Interface>
class Uncommitted : public Interface {
public:
    explicit Uncommitted(std::shared_ptr<PostgresConnection> connection)
        : m_connection(std::move(connection)) {}
    Uncommitted(const Uncommitted&) = delete;
    Uncommitted& operator=(const Uncommitted&) = delete;
    ~Uncommitted() override {
        if (!m_committed) {
            m_connection->roll_back();
        }
    }

    void check() override {
        m_connection->ask(
            [](PostgresSession& session) { session.run("SET CONSTRAINTS ALL IMMEDIATE"); });
    }

    TransactionId transaction() const override { return std::stoull(m_written.transaction); }

    void commit() override {
        m_committed = true; // or nobody knows: there is nothing left to roll back
        ordercache::commit(*m_connection, m_written);
    }

protected:
    PostgresConnection& connection() { return *m_connection; }
    void set_written(Written written) { m_written = std::move(written); }

private:
    std::shared_ptr<PostgresConnection> m_connection;
    Written m_written;
    bool m_committed = false;
};

class InsertedOrder : public Uncommitted<PendingOrder> {
public:
    InsertedOrder(std::shared_ptr<PostgresConnection> connection, OrderId id, CustomerId customer,
                  std::string transaction)
        : Uncommitted(std::move(connection)), m_id(id), m_customer(customer) {
        set_written({std::move(transaction), id});
    }

    OrderId id() const override { return m_id; }
    CustomerId customer() const override { return m_customer; }

    std::int64_t size() const override { return 1; }

    std::optional<std::vector<Scope>> changed_customers() const override {
        return std::vector<Scope>{Scope{m_customer}};
    }

private:
    OrderId m_id;
    CustomerId m_customer;
};

/// Distinct customers, four bytes each.
class CustomerSet {
public:
    void insert(const std::vector<Order>& orders) {
        std::ranges::transform(orders, std::back_inserter(m_customers), &Order::customer);
        if (m_customers.size() >= m_next_sorting) {
            sort();
            m_next_sorting = std::max(k_first_sorting, 2 * m_customers.size());
        }
    }

    std::vector<Scope> scopes() {
        sort();
        std::vector<Scope> scopes;
        std::ranges::transform(m_customers, std::back_inserter(scopes),
                               [](CustomerId customer) { return Scope{customer}; });
        return scopes;
    }

private:
    static constexpr std::size_t k_first_sorting = 64 << 10;

    void sort() {
        std::ranges::sort(m_customers);
        m_customers.erase(std::unique(m_customers.begin(), m_customers.end()), m_customers.end());
    }

    std::vector<CustomerId> m_customers;
    std::size_t m_next_sorting = k_first_sorting;
};

CopyRow<std::string> row_of(const Order& order) {
    return {to_string(order.date), std::to_string(order.customer), order.net.to_string(),
            order.tax.to_string(), order.total().to_string()};
}

/// What finish_batch_sql() tells.
struct Copied {
    Written written;
    bool has_triggers;
};

Copied finish_batch(PostgresSession& session) {
    const Rows rows = session.run(finish_batch_sql());
    const Row row = rows.only();
    Copied copied{{row.text("transaction"), std::nullopt}, row.flag("has_triggers")};
    if (!row.is_null("orderid")) {
        copied.written.order = row.number("orderid");
    }
    return copied;
}

class CopiedOrders : public Uncommitted<PendingBatch> {
public:
    explicit CopiedOrders(const std::shared_ptr<PostgresConnection>& postgres)
        : Uncommitted(postgres) {
        connection().ask([](PostgresSession& session) {
            session.run(k_begin);
            session.begin_copy("orders",
                               {"orderdate", "customerid", "netamount", "tax", "totalamount"});
        });
    }

    void copy(const std::vector<Order>& orders) override {
        const auto rows = std::make_shared<CopyRows>();
        rows->reserve(orders.size());
        std::ranges::transform(orders, std::back_inserter(*rows), row_of);
        connection().ask([rows](PostgresSession& session) { session.copy(*rows); });
        m_size += static_cast<std::int64_t>(orders.size());
        m_customers.insert(orders);
    }

    void finish() override {
        const Copied copied = connection().ask([](PostgresSession& session) {
            session.end_copy();
            return finish_batch(session);
        });
        set_written(copied.written);
        if (!copied.has_triggers) {
            m_changed = m_customers.scopes();
        }
    }

    std::optional<std::vector<Scope>> changed_customers() const override { return m_changed; }
    std::int64_t size() const override { return m_size; }

private:
    std::int64_t m_size = 0;
    CustomerSet m_customers;
    std::optional<std::vector<Scope>> m_changed; ///< Absent where a trigger may have changed more.
};

} // namespace

std::unique_ptr<PendingOrder> insert_order(const std::shared_ptr<PostgresConnection>& connection,
                                           const Order& order) {
    const auto inserted = connection->ask([order](PostgresSession& session) {
        session.run(k_begin);
        return insert(session, order);
    });
    if (!inserted) {
        connection->roll_back();
        throw Error(ExitStatus::no, "PostgreSQL did not store the order: a trigger or a rule of "
                                    "the table orders skipped it");
    }
    if (!inserted->customer) {
        connection->roll_back();
        throw Error(ExitStatus::no, "PostgreSQL would store the order without its customer: a "
                                    "trigger of the table orders took it away");
    }
    return std::make_unique<InsertedOrder>(connection, inserted->order, *inserted->customer,
                                           inserted->transaction);
}

std::unique_ptr<PendingBatch> begin_batch(const std::shared_ptr<PostgresConnection>& connection) {
    return std::make_unique<CopiedOrders>(connection);
}

} // namespace ordercache
