#include "postgres/store.hpp"

#include "base/error.hpp"
#include "postgres/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_outcome_pause = 200ms;

/// The class of the writers' advisory locks: "ordc" in ASCII. The second key is a customer's
/// number, or one of these.
constexpr std::int64_t k_lock_class = 0x6f726463;
constexpr std::int64_t k_lock_all = 0;
constexpr std::int64_t k_lock_batch = 0xffffffff; // -1, as pg_locks shows it

std::int64_t lock_of(const Scope& scope) {
    return scope.customer.value_or(k_lock_all);
}

std::int64_t number(const std::string& text) {
    return std::stoll(text);
}

std::string text_of_array(const std::vector<Scope>& customers) {
    std::string array = "{";
    for (const Scope& customer : customers) {
        array += (array.size() == 1 ? "" : ",") + std::to_string(*customer.customer);
    }
    return array + '}';
}

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
SELECT orderid, customerid, pg_current_xact_id(),
       pg_advisory_xact_lock_shared({0}, customerid), pg_advisory_xact_lock_shared({0}, {1})
FROM added)sql",
                       k_lock_class, k_lock_all);
}

/// The transaction, an order that it wrote, and whether a trigger may have changed whose orders
/// they are, or written others.
std::string finish_batch_sql() {
    return fmt::format(R"sql(
SELECT pg_current_xact_id(), currval(pg_get_serial_sequence('orders', 'orderid')),
       EXISTS (SELECT FROM pg_trigger
               WHERE tgrelid = 'orders'::regclass AND NOT tgisinternal AND tgtype & 4 <> 0),
       pg_advisory_xact_lock_shared({}, {}))sql",
                       k_lock_class, static_cast<std::int32_t>(k_lock_batch));
}

/// The keys on which writers hold a lock, and the batch's where this server is a standby: it lags
/// behind every writer. Most of what the probe costs a fresh session is looking names up: a quarter
/// less by pg_locks' own function than by that view, and a fifth less by the session's database
/// than by pg_database.
std::string probe_sql() {
    return fmt::format(R"sql(
SELECT objid FROM pg_lock_status()
WHERE locktype = 'advisory' AND classid = {0} AND objsubid = 2
  AND database = (SELECT datid FROM pg_stat_get_activity(pg_backend_pid()))
UNION ALL SELECT {1} WHERE pg_is_in_recovery())sql",
                       k_lock_class, k_lock_batch);
}

std::int64_t count_all(PostgresSession& session) {
    return number(session.run("SELECT count(*) FROM orders").front().front());
}

Counts count_customers(PostgresSession& session, const std::vector<Scope>& customers) {
    const Rows rows =
        customers.size() == 1
            ? session.run("SELECT $1::int, count(*) FROM orders WHERE customerid = $1::int",
                          {std::to_string(*customers.front().customer)})
            : session.run("SELECT customerid, count(*) FROM orders WHERE customerid = ANY($1) "
                          "GROUP BY customerid",
                          {text_of_array(customers)});
    Counts counts;
    for (const Scope& customer : customers) {
        counts.emplace(customer, 0);
    }
    for (const Row& row : rows) {
        counts[Scope{static_cast<CustomerId>(number(row[0]))}] = number(row[1]);
    }
    return counts;
}

/// What tells a transaction's outcome when its COMMIT was not answered.
struct Written {
    std::string transaction;      ///< Its xid8.
    std::optional<OrderId> order; ///< One that it wrote.
};

enum class Outcome { committed, aborted, in_progress, unknown };

/// Whether the order is there as that transaction wrote it. After a failover another transaction
/// may bear its number, but not have written this row.
bool is_visible(PostgresSession& session, const Written& written) {
    constexpr std::uint64_t epoch = std::uint64_t{1} << 32U;
    const auto xmin = std::to_string(std::stoull(written.transaction) % epoch);
    return !session
                .run("SELECT FROM orders WHERE orderid = $1 AND xmin = $2::xid",
                     {std::to_string(*written.order), xmin})
                .empty();
}

/// A standby lags and cannot tell. A server that crashed, or took over from one that did, may have
/// lost the transaction altogether and be about to give its id away again: to ask for the status of
/// such an id is an error, hence the comparison with a new one.
constexpr auto k_transaction_status = R"sql(
SELECT CASE WHEN pg_is_in_recovery() THEN 'in progress'
            WHEN $1::xid8 < pg_current_xact_id() THEN pg_xact_status($1::xid8)
            ELSE 'aborted' END)sql";

Outcome look_up_outcome(PostgresSession& session, const Written& written) {
    if (written.order && is_visible(session, written)) {
        return Outcome::committed;
    }
    const std::string status =
        session.run(k_transaction_status, {written.transaction}).front().front();
    if (status == "in progress") {
        return Outcome::in_progress;
    }
    if (status == "aborted") {
        return Outcome::aborted;
    }
    const bool committed = status == "committed";
    return committed && (!written.order || is_visible(session, written)) ? Outcome::committed
                                                                         : Outcome::unknown;
}

Error in_doubt(const PostgresConnection& connection, const Written& written,
               const std::string& why) {
    return connection.failure(
        ExitStatus::look_first,
        fmt::format("{}, and whether it is done is not known; look before a retry: "
                    "SELECT pg_xact_status('{}')",
                    why, written.transaction));
}

Outcome ask_outcome(PostgresConnection& connection, const Written& written) {
    try {
        return connection.ask(
            [written](PostgresSession& session) { return look_up_outcome(session, written); }, {},
            Signals::wait);
    } catch (const Error&) {
        return Outcome::in_progress; // the server may be back soon
    }
}

/// The connection broke after COMMIT was sent. Asks on another one what became of it, for as long
/// as the user's limit allows; throws unless it is committed.
void learn_outcome(PostgresConnection& connection, const Written& written) {
    constexpr auto why = "the connection broke during COMMIT";
    const Deadline deadline = connection.deadline();
    do {
        switch (ask_outcome(connection, written)) {
        case Outcome::committed:
            return;
        case Outcome::aborted:
            throw connection.failure(ExitStatus::store_failed,
                                     "the connection broke before the COMMIT was done");
        case Outcome::unknown:
            throw in_doubt(connection, written, why);
        case Outcome::in_progress:
            std::this_thread::sleep_for(k_outcome_pause);
        }
    } while (!deadline.passed());
    throw in_doubt(connection, written, why);
}

void commit(PostgresConnection& connection, const Written& written) {
    switch (connection.commit()) {
    case CommitEnd::answered:
        return;
    case CommitEnd::timed_out:
        throw in_doubt(connection, written, "COMMIT was not answered within --timeout");
    case CommitEnd::connection_lost:
        learn_outcome(connection, written);
    }
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

    std::optional<std::vector<Scope>> changed() const override {
        return std::vector<Scope>{k_all_orders, Scope{m_customer}};
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

    /// The keys of the total and of each customer.
    std::vector<Scope> changed_scopes() {
        sort();
        std::vector<Scope> scopes = {k_all_orders};
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
        const Rows rows = connection().ask([](PostgresSession& session) {
            session.end_copy();
            return session.run(finish_batch_sql());
        });
        const Row& row = rows.front();
        set_written({row[0], row[1].empty() ? std::nullopt : std::optional(number(row[1]))});
        if (row[2] == "f") {
            m_changed = m_customers.changed_scopes();
        }
    }

    std::optional<std::vector<Scope>> changed() const override { return m_changed; }
    std::int64_t size() const override { return m_size; }

private:
    std::int64_t m_size = 0;
    CustomerSet m_customers;
    std::optional<std::vector<Scope>> m_changed; ///< Absent where a trigger may have changed more.
};

} // namespace

PostgresStore::PostgresStore(PostgresService service, TimeLimit limit, Reporter& reporter)
    : m_connection(std::make_shared<PostgresConnection>(std::move(service), limit, reporter)) {}

PostgresStore::~PostgresStore() = default;

std::vector<Scope> PostgresStore::writers_in_flight(const std::vector<Scope>& scopes,
                                                    const Tick& tick) {
    const Rows rows =
        m_connection->ask([](PostgresSession& session) { return session.run(probe_sql()); }, tick);
    std::set<std::int64_t> locked;
    for (const Row& row : rows) {
        locked.insert(number(row[0]));
    }
    std::vector<Scope> written;
    std::ranges::copy_if(scopes, std::back_inserter(written), [&](const Scope& scope) {
        return locked.contains(lock_of(scope)) || locked.contains(k_lock_batch);
    });
    return written;
}

Counts PostgresStore::count(const std::vector<Scope>& scopes, const Tick& tick) {
    std::vector<Scope> customers;
    std::ranges::copy_if(scopes, std::back_inserter(customers),
                         [](const Scope& scope) { return scope.customer.has_value(); });
    Counts counts;
    if (!customers.empty()) {
        counts = m_connection->ask(
            [customers](PostgresSession& session) { return count_customers(session, customers); },
            tick);
    }
    if (customers.size() < scopes.size()) {
        counts[k_all_orders] = m_connection->ask(count_all, tick);
    }
    return counts;
}

std::unique_ptr<PendingOrder> PostgresStore::insert(const Order& order) {
    const Rows rows = m_connection->ask([order](PostgresSession& session) {
        session.run(k_begin);
        return session.run(insert_sql(), {to_string(order.date), std::to_string(order.customer),
                                          order.net.to_string(), order.tax.to_string(),
                                          order.total().to_string()});
    });
    if (rows.empty()) {
        m_connection->roll_back();
        throw Error(ExitStatus::no, "PostgreSQL did not store the order: a trigger or a rule of "
                                    "the table orders skipped it");
    }
    const Row& row = rows.front();
    if (row[1].empty()) {
        m_connection->roll_back();
        throw Error(ExitStatus::no, "PostgreSQL would store the order without its customer: a "
                                    "trigger of the table orders took it away");
    }
    return std::make_unique<InsertedOrder>(m_connection, number(row[0]),
                                           static_cast<CustomerId>(number(row[1])), row[2]);
}

std::unique_ptr<PendingBatch> PostgresStore::begin_batch() {
    return std::make_unique<CopiedOrders>(m_connection);
}

} // namespace ordercache
