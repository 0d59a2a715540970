#include "postgres/store.hpp"

#include "postgres/connection.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace ordercache {

namespace {

std::int64_t lock_of(const Scope& scope) {
    return scope.customer.value_or(k_lock_all);
}

std::string text_of_array(const std::vector<Scope>& customers) {
    std::string array = "{";
    for (const Scope& customer : customers) {
        array += (array.size() == 1 ? "" : ",") + std::to_string(*customer.customer);
    }
    return array + '}';
}

/// The keys on which writers hold a lock, and the batch's where this server is a standby: it lags
/// behind every writer. Most of what the probe costs a fresh session is looking names up: a quarter
/// less by pg_locks' own function than by that view, and a fifth less by the session's database
/// than by pg_database.
std::string probe_sql() {
    return fmt::format(R"sql(
SELECT objid AS key FROM pg_lock_status()
WHERE locktype = 'advisory' AND classid = {0} AND objsubid = 2
  AND database = (SELECT datid FROM pg_stat_get_activity(pg_backend_pid()))
UNION ALL SELECT {1} WHERE pg_is_in_recovery())sql",
                       k_lock_class, k_lock_batch);
}

std::set<std::int64_t> locked_keys(PostgresSession& session) {
    std::set<std::int64_t> locked;
    const Rows rows = session.run(probe_sql());
    for (const Row row : rows) {
        locked.insert(row.number("key"));
    }
    return locked;
}

std::int64_t count_all(PostgresSession& session) {
    return session.run("SELECT count(*) AS count FROM orders").only().number("count");
}

Counts count_customers(PostgresSession& session, const std::vector<Scope>& customers) {
    const Rows rows =
        customers.size() == 1
            ? session.run("SELECT $1::int AS customerid, count(*) AS count FROM orders WHERE "
                          "customerid = $1::int",
                          {std::to_string(*customers.front().customer)})
            : session.run(
                  "SELECT customerid, count(*) AS count FROM orders WHERE customerid = ANY($1) "
                  "GROUP BY customerid",
                  {text_of_array(customers)});
    Counts counts;
    for (const Scope& customer : customers) {
        counts.emplace(customer, 0);
    }
    for (const Row row : rows) {
        counts[Scope{static_cast<CustomerId>(row.number("customerid"))}] = row.number("count");
    }
    return counts;
}

} // namespace

PostgresStore::PostgresStore(PostgresService service, TimeLimit limit, Reporter& reporter,
                             OpenSession open)
    : m_connection(std::make_shared<PostgresConnection>(std::move(service), limit, reporter,
                                                        std::move(open))) {}

PostgresStore::~PostgresStore() = default;

std::vector<Scope> PostgresStore::writers_in_flight(const std::vector<Scope>& scopes,
                                                    const Tick& tick) {
    const auto locked = m_connection->ask(locked_keys, tick);
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
    return insert_order(m_connection, order);
}

std::unique_ptr<PendingBatch> PostgresStore::begin_batch() {
    return ordercache::begin_batch(m_connection);
}

} // namespace ordercache
