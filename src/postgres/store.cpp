#include "postgres/store.hpp"

#include "base/whole_number.hpp"
#include "postgres/array_element.hpp"
#include "postgres/commit_outcome.hpp"
#include "postgres/connection.hpp"
#include "postgres/sql.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace ordercache {

namespace {

std::string text_of_array(const std::vector<Scope>& customers) {
    std::vector<std::string> ids;
    std::ranges::transform(customers, std::back_inserter(ids),
                           [](const Scope& scope) { return array_element(scope.customer->text); });
    return fmt::format("{{{}}}", fmt::join(ids, ","));
}

/// The batch's lock is a lock on every scope. A customer whose id is not a lock's key may hold any.
bool is_lock_of(std::int32_t key, const Scope& scope) {
    if (key == k_lock_batch || !scope.customer) {
        return key == k_lock_batch || key == k_lock_all;
    }
    const auto own = parse_whole_number(scope.customer->text, 1, INT32_MAX);
    return !own || key == *own;
}

Probe take_probe(PostgresSession& session, const std::vector<Scope>& scopes) {
    Probe probe;
    for (const Row& row :
         session.run(fmt::format(fmt::runtime(sql::k_probe), fmt::arg("class", k_lock_class)))) {
        if (row.is_null("key")) {
            probe.on_standby = true;
            continue;
        }
        // pg_locks shows a key as an unsigned number
        const auto key = static_cast<std::int32_t>(row.number("key"));
        const std::int64_t writer = row.is_null("writer") ? 0 : row.number("writer");
        for (const Scope& scope : scopes) {
            if (is_lock_of(key, scope)) {
                probe.writers[scope].push_back(static_cast<std::uint32_t>(writer));
            }
        }
    }
    return probe;
}

/// The first statement takes the snapshot, in which the whole transaction sees the orders.
constexpr auto k_take_snapshot =
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT pg_current_snapshot()";

Counted count_all(PostgresSession& session) {
    const Row row = session.run(sql::k_count_all).only();
    return {.counts = {{k_all_orders, row.number("count")}},
            .snapshot = row.text("snapshot"),
            .server_process = row.number("server_process"),
            .on_standby = row.flag("on_standby")};
}

/// Customers are compared as 64-bit integers, so that a column of a smaller or inexact type does
/// not confuse two numbers, and a column of text is refused. PostgreSQL's message names the types
/// that it cannot compare, and not the column.
Rows count_by_customer(PostgresSession& session, const std::string& sql,
                       const std::string& customers) {
    constexpr auto undefined_function = "42883";
    try {
        return session.run(sql, {customers});
    } catch (const SessionFailure& failed) {
        if (failed.sqlstate() != undefined_function) {
            throw;
        }
        throw SessionFailure("the column customerid is not of a number's type", failed.sqlstate());
    }
}

Counted count_customer(PostgresSession& session, const Scope& scope) {
    const Row row = count_by_customer(session, sql::k_count_customer, scope.customer->text).only();
    return {.counts = {{scope, row.number("count")}}, .on_standby = row.flag("on_standby")};
}

/// A customer without orders has no row.
Counted count_customers(PostgresSession& session, const std::vector<Scope>& customers) {
    if (customers.size() == 1) {
        return count_customer(session, customers.front());
    }
    Counted counted;
    for (const Scope& customer : customers) {
        counted.counts.emplace(customer, 0);
    }
    for (const Row& row :
         count_by_customer(session, sql::k_count_customers, text_of_array(customers))) {
        if (row.is_null("customer")) {
            counted.on_standby = true;
        } else {
            counted.counts[Scope{CustomerId{row.text("customer")}}] = row.number("count");
        }
    }
    return counted;
}

/// Rolls the transaction back at the end of the block.
class Rollback {
public:
    explicit Rollback(PostgresConnection& connection) : m_connection(connection) {}
    Rollback(const Rollback&) = delete;
    Rollback& operator=(const Rollback&) = delete;
    ~Rollback() { m_connection.roll_back(); }

private:
    PostgresConnection& m_connection;
};

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
    m_connection->ask([](PostgresSession& session) { session.run(k_take_snapshot); });
    m_connection->begin();
    const Rollback rollback(*m_connection); // there is nothing to commit
    return is_wanted() ? std::optional(m_connection->ask(count_all)) : std::nullopt;
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
        [write](PostgresSession& session) { return ordercache::status_of(session, write); });
}

std::unique_ptr<InsertedOrders> PostgresStore::begin_orders(CacheUpdate update) {
    return std::make_unique<InsertedOrders>(m_connection, update);
}

} // namespace ordercache
