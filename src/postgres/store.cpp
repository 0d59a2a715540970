#include "postgres/store.hpp"

#include "postgres/commit_outcome.hpp"
#include "postgres/connection.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace ordercache {

namespace {

std::string text_of_array(const std::vector<Scope>& customers) {
    std::vector<CustomerId> ids;
    std::ranges::transform(customers, std::back_inserter(ids),
                           [](const Scope& scope) { return *scope.customer; });
    return fmt::format("{{{}}}", fmt::join(ids, ","));
}

/// The keys on which writers hold a lock, each with the writer's transaction, which holds a lock on
/// its own id; a row without a key where this server is a standby. The locks are read once, for a
/// writer may end between two looks. Most of what the probe costs a fresh session is looking names
/// up: a quarter less by pg_locks' own function than by that view, and a fifth less by the
/// session's database than by pg_database.
std::string probe_sql() {
    return fmt::format(R"sql(
WITH locks AS MATERIALIZED (SELECT * FROM pg_lock_status())
SELECT held.objid AS key, own.transactionid AS writer
FROM locks held
LEFT JOIN locks own ON own.virtualtransaction = held.virtualtransaction
                   AND own.locktype = 'transactionid' AND own.mode = 'ExclusiveLock'
WHERE held.locktype = 'advisory' AND held.classid = {} AND held.objsubid = 2
  AND held.database = (SELECT datid FROM pg_stat_get_activity(pg_backend_pid()))
UNION ALL SELECT NULL, NULL WHERE pg_is_in_recovery())sql",
                       k_lock_class);
}

/// The batch's lock is one on every scope.
bool is_lock_of(std::int64_t key, const Scope& scope) {
    return key == scope.customer.value_or(k_lock_all) || key == k_lock_batch;
}

Probe take_probe(PostgresSession& session, const std::vector<Scope>& scopes) {
    Probe probe;
    const Rows rows = session.run(probe_sql());
    for (const Row row : rows) {
        if (row.is_null("key")) {
            probe.on_standby = true;
            continue;
        }
        const std::int64_t key = row.number("key");
        const std::int64_t writer = row.is_null("writer") ? 0 : row.number("writer");
        for (const Scope& scope : scopes) {
            if (is_lock_of(key, scope)) {
                probe.writers[scope].push_back(static_cast<std::uint32_t>(writer));
            }
        }
    }
    return probe;
}

// In one line each, for PostgreSQL's log.
constexpr auto k_count_all =
    "SELECT count(*) AS count, pg_current_snapshot() AS snapshot, pg_is_in_recovery() AS "
    "on_standby, pg_backend_pid() AS server_process FROM orders";

// The cast, here as below, is for the parser, to refuse customers that are no numbers.
constexpr auto k_count_customer =
    "SELECT count(*) AS count, pg_is_in_recovery() AS on_standby, min(customerid::int) "
    "FROM orders WHERE customerid = $1";

constexpr auto k_count_customers =
    "SELECT customerid::int AS customer, count(*) AS count FROM orders WHERE customerid = ANY($1) "
    "GROUP BY customerid UNION ALL SELECT NULL, 0 WHERE pg_is_in_recovery()";

/// The first statement takes the snapshot, in which the whole transaction sees the orders.
constexpr auto k_take_snapshot =
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT pg_current_snapshot()";

/// A standby, and a server of before mid-2022, may call a transaction committed before a snapshot
/// sees it; one that the server does not know may have been lost in a crash, and its id be given
/// away again.
constexpr auto k_status = R"sql(
SELECT CASE WHEN pg_is_in_recovery()
              OR NOT pg_visible_in_snapshot($1::xid8, pg_current_snapshot()) THEN 'in progress'
            ELSE pg_xact_status($1::xid8) END AS status)sql";

/// Committed only where the order is there: a crash may have lost the transaction, and its id be
/// another's now.
TransactionStatus final_status(PostgresSession& session, const WriteId& write) {
    const auto status = transaction_status(session, k_status, write.transaction);
    const bool is_certain =
        status == TransactionStatus::aborted ||
        (status == TransactionStatus::committed && write.order && is_visible(session, write));
    return is_certain ? status : TransactionStatus::in_progress;
}

Counted count_all(PostgresSession& session) {
    const Rows rows = session.run(k_count_all);
    const Row row = rows.only();
    return {.counts = {{k_all_orders, row.number("count")}},
            .snapshot = row.text("snapshot"),
            .server_process = row.number("server_process"),
            .on_standby = row.flag("on_standby")};
}

Counted count_customer(PostgresSession& session, const Scope& scope) {
    const Rows rows = session.run(k_count_customer, {std::to_string(*scope.customer)});
    const Row row = rows.only();
    return {.counts = {{scope, row.number("count")}}, .on_standby = row.flag("on_standby")};
}

/// Who has no orders has no row.
Counted count_customers(PostgresSession& session, const std::vector<Scope>& customers) {
    if (customers.size() == 1) {
        return count_customer(session, customers.front());
    }
    Counted counted;
    for (const Scope& customer : customers) {
        counted.counts.emplace(customer, 0);
    }
    const Rows rows = session.run(k_count_customers, {text_of_array(customers)});
    for (const Row row : rows) {
        if (row.is_null("customer")) {
            counted.on_standby = true;
        } else {
            const auto customer = static_cast<CustomerId>(row.number("customer"));
            counted.counts[Scope{customer}] = row.number("count");
        }
    }
    return counted;
}

} // namespace

PostgresStore::PostgresStore(PostgresService service, TimeLimit limit, Reporter& reporter,
                             OpenSession open)
    : m_connection(std::make_shared<PostgresConnection>(std::move(service), limit, reporter,
                                                        std::move(open))) {}

PostgresStore::~PostgresStore() = default;

Probe PostgresStore::probe(const std::vector<Scope>& scopes, const Tick& tick) {
    return m_connection->ask(
        [scopes](PostgresSession& session) { return take_probe(session, scopes); }, tick);
}

Counted PostgresStore::count(const std::vector<Scope>& scopes, const Tick& tick) {
    const std::vector<Scope> customers = customers_in(scopes);
    Counted counted;
    if (customers.size() < scopes.size()) {
        counted = m_connection->ask(count_all, tick);
    }
    if (!customers.empty()) {
        Counted of_customers = m_connection->ask(
            [customers](PostgresSession& session) { return count_customers(session, customers); },
            tick);
        counted.counts.merge(of_customers.counts);
        counted.on_standby |= of_customers.on_standby;
    }
    return counted;
}

std::optional<Counted> PostgresStore::count_total(const std::function<bool()>& is_wanted) {
    m_connection->ask([](PostgresSession& session) { return session.run(k_take_snapshot); });
    m_connection->begin();
    try {
        std::optional<Counted> counted;
        if (is_wanted()) {
            counted = m_connection->ask(count_all);
        }
        m_connection->commit();
        return counted;
    } catch (...) {
        m_connection->roll_back();
        throw;
    }
}

bool PostgresStore::has_run_since(const Counted& counted) {
    try {
        return counted.server_process == m_connection->ask([](PostgresSession& session) {
            return session.answering_process();
        });
    } catch (const Error&) {
        return false;
    }
}

TransactionStatus PostgresStore::status_of(const WriteId& write) {
    return m_connection->ask(
        [write](PostgresSession& session) { return final_status(session, write); });
}

std::unique_ptr<PendingOrder> PostgresStore::insert(const Order& order, CacheUpdate update) {
    return insert_order(m_connection, order, update);
}

std::unique_ptr<PendingBatch> PostgresStore::begin_batch(CacheUpdate update) {
    return ordercache::begin_batch(m_connection, update);
}

} // namespace ordercache
