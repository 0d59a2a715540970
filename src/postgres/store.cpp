#include "postgres/store.hpp"

#include "base/whole_number.hpp"
#include "postgres/array_element.hpp"
#include "postgres/commit_outcome.hpp"
#include "postgres/sql.hpp"
#include "postgres/view_check.hpp"
#include "postgres/view_sql.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>

namespace ordercache {

namespace {

std::string text_of_array(const std::vector<Scope>& customers) {
    std::vector<std::string> ids;
    std::ranges::transform(customers, std::back_inserter(ids),
                           [](const Scope& scope) { return array_element(scope.customer->text); });
    return fmt::format("{{{}}}", fmt::join(ids, ","));
}

/// Returns the key of the scope's lock, or nullopt if it is a hash, as lock_key_sql() says.
std::optional<std::int64_t> plain_key(const Scope& scope, const OrdersView& view) {
    if (!scope.customer) {
        return k_lock_all;
    }
    constexpr auto most = std::numeric_limits<std::int32_t>::max();
    return view.customer_type == CustomerType::integer
               ? parse_whole_number(scope.customer->text, 1, most)
               : std::nullopt;
}

bool has_total(const std::vector<Scope>& scopes) {
    return std::ranges::find(scopes, k_all_orders) != scopes.end();
}

constexpr auto k_known_total = "known_total";

/// PostgreSQL computes the hashes, and names the customer of each lock on one.
Rows held_locks(PostgresSession& session, const std::vector<Scope>& scopes) {
    const OrdersView& view = *session.view;
    std::vector<Scope> hashed;
    std::ranges::copy_if(scopes, std::back_inserter(hashed),
                         [&](const Scope& scope) { return !plain_key(scope, view); });
    const bool has_hashed = !hashed.empty();
    const auto sql = sql_of(
        sql::k_probe, view, fmt::arg("class", k_lock_class),
        fmt::arg("may_ask_total", has_total(scopes) ? may_call_sql(view, k_known_total) : "false"),
        fmt::arg("id", has_hashed ? "asked.id" : "NULL"),
        fmt::arg("asked", has_hashed ? "LEFT JOIN unnest($1::text[]) AS asked (id) "
                                       "ON hashtext(asked.id)::oid = held.objid"
                                     : ""));
    return has_hashed ? session.run(sql, {text_of_array(hashed)}) : session.run(sql);
}

/// The batch's lock is a lock on every scope.
bool is_lock_of(const Row& row, std::int32_t key, const Scope& scope, const OrdersView& view) {
    const auto plain = plain_key(scope, view);
    return key == k_lock_batch || (plain ? key == *plain : row.value("id") == scope.customer->text);
}

Probe take_probe(PostgresSession& session, const std::vector<Scope>& scopes) {
    Probe probe;
    if (has_total(scopes)) {
        session.may_ask_total = false;
    }
    for (const Row& row : held_locks(session, scopes)) {
        if (row.is_null("key")) {
            if (row.text("id") == "standby") {
                probe.on_standby = true;
            } else {
                session.may_ask_total = true;
            }
            continue;
        }
        // pg_locks shows a key as an unsigned number
        const auto key = static_cast<std::int32_t>(row.number("key"));
        const std::int64_t writer = row.is_null("writer") ? 0 : row.number("writer");
        for (const Scope& scope : scopes) {
            if (is_lock_of(row, key, scope, *session.view)) {
                probe.writers[scope].push_back(static_cast<std::uint32_t>(writer));
            }
        }
    }
    return probe;
}

/// The first statement takes the snapshot, in which the whole transaction sees the orders.
constexpr auto k_take_snapshot =
    "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT pg_current_snapshot()";

bool may_call(PostgresSession& session, const char* function) {
    return !session.run("SELECT WHERE " + may_call_sql(*session.view, function)).empty();
}

/// Whether the role may ask for the known total. If there was a probe, it has told this.
bool may_ask_total(PostgresSession& session) {
    if (!session.may_ask_total) {
        session.may_ask_total = may_call(session, k_known_total);
    }
    return *session.may_ask_total;
}

std::string known_total_sql(const OrdersView& view) {
    return fmt::format("{}.known_total({}::regclass, {})", view.schema, sql_literal(view.table),
                       sql_literal(view.condition));
}

/// `count` is an SQL expression.
Row ask_total(PostgresSession& session, const std::string& count) {
    return run_count(session, sql_of(sql::k_count_all, *session.view, fmt::arg("count", count)))
        .only();
}

Counted total_of(const Row& row) {
    return {.counts = {{k_all_orders, row.number("count")}},
            .snapshot = row.text("snapshot"),
            .server_process = row.number("server_process"),
            .on_standby = row.flag("on_standby")};
}

Counted count_rows(PostgresSession& session) {
    return total_of(ask_total(session, count_rows_sql(*session.view)));
}

/// If the total is known, no row is read. A COUNT is not a part of the statement then: planned for
/// a large table, it has PostgreSQL load its JIT compiler, even if it is not executed.
Counted count_all(PostgresSession& session) {
    if (may_ask_total(session)) {
        const Row row = ask_total(session, known_total_sql(*session.view));
        if (!row.is_null("count")) {
            return total_of(row);
        }
    }
    return count_rows(session);
}

/// Texts are compared twice. Only by the column's own type can an index be used; but that may take
/// different texts for equal. The type may also refuse a text that is not a label of its enum.
Rows rows_of_customers(PostgresSession& session, const char* statement,
                       const std::vector<Scope>& scopes) {
    constexpr auto data_exceptions = "22";
    const std::string customers = text_of_array(scopes);
    const OrdersView& view = *session.view;
    const auto sql = [&](const std::string& is_customer) {
        return sql_of(statement, view, fmt::arg("is_customer", is_customer));
    };
    if (view.customer_type == CustomerType::text) {
        try {
            const auto by_index = view.customer + " = ANY($2) AND " + is_customer_sql(view);
            return session.run(sql(by_index), {customers, customers});
        } catch (const SessionFailure& failed) {
            if (!failed.sqlstate().starts_with(data_exceptions)) {
                throw;
            }
        }
    }
    return run_count(session, sql(is_customer_sql(view)), {customers});
}

/// To group the orders of one customer would take three times as long as to count them.
Counted count_customer(PostgresSession& session, const Scope& customer) {
    const Row row = rows_of_customers(session, sql::k_count_customer, {customer}).only();
    return {.counts = {{customer, row.number("count")}}, .on_standby = row.flag("on_standby")};
}

/// A customer without orders has no row. The last row says whether a standby counted.
Counted count_customers(PostgresSession& session, const std::vector<Scope>& customers) {
    if (customers.size() == 1) {
        return count_customer(session, customers.front());
    }
    const Rows rows = rows_of_customers(session, sql::k_count_customers, customers);
    if (rows.empty()) {
        throw UnexpectedReply("no rows");
    }
    Counted counted;
    for (const Scope& customer : customers) {
        counted.counts.emplace(customer, 0);
    }
    for (const Row& row : rows) {
        if (row.is_null("customer")) {
            counted.on_standby = row.flag("on_standby");
        } else {
            counted.counts[Scope{CustomerId{row.text("customer")}}] = row.number("count");
        }
    }
    return counted;
}

std::optional<WrongTotal> compare_known_total(PostgresSession& session) {
    if (!may_ask_total(session)) {
        return std::nullopt;
    }
    const OrdersView& view = *session.view;
    const Row row = run_count(session, sql_of(sql::k_compare_total, view,
                                              fmt::arg("known_total", known_total_sql(view)),
                                              fmt::arg("count_rows", count_rows_sql(view))))
                        .only();
    if (row.is_null("known") || row.number("known") == row.number("counted")) {
        return std::nullopt;
    }
    return WrongTotal{row.number("known"), row.number("counted")};
}

} // namespace

Probe PostgresStore::probe(const std::vector<Scope>& scopes, const Tick& tick) {
    return m_connection.ask(
        [scopes](PostgresSession& session) { return take_probe(session, scopes); }, tick);
}

Counted PostgresStore::count(const std::vector<Scope>& scopes, const Tick& tick) {
    const std::vector<Scope> customers = customers_in(scopes);
    Counted counted;
    if (customers.size() < scopes.size()) {
        counted = m_connection.ask(count_all, tick);
    }
    if (!customers.empty()) {
        Counted of_customers = m_connection.ask(
            [customers](PostgresSession& session) { return count_customers(session, customers); },
            tick);
        counted.counts.merge(of_customers.counts);
        counted.on_standby |= of_customers.on_standby;
    }
    return counted;
}

std::optional<Counted> PostgresStore::count_total(const std::function<bool()>& is_wanted) {
    m_connection.ask([](PostgresSession& session) { session.run(k_take_snapshot); });
    const Transaction transaction(m_connection); // there is nothing to commit
    return is_wanted() ? std::optional(m_connection.ask(count_rows)) : std::nullopt;
}

std::optional<WrongTotal> PostgresStore::wrong_known_total() {
    return m_connection.ask(compare_known_total);
}

bool PostgresStore::forget_known_total() {
    return m_connection.ask([](PostgresSession& session) {
        const bool may_note = may_call(session, "note_handled");
        if (may_note) {
            session.run("SELECT " + note_handled_sql(*session.view, "NULL"));
        }
        return may_note;
    });
}

bool PostgresStore::has_run_since(const Counted& counted) {
    try {
        return counted.server_process == m_connection.ask([](PostgresSession& session) {
            return session.answering_process();
        });
    } catch (const Error&) {
        return false;
    }
}

TransactionStatus PostgresStore::status_of(const WriteId& write) {
    return m_connection.ask(
        [write](PostgresSession& session) { return ordercache::status_of(session, write); });
}

std::unique_ptr<InsertedOrders> PostgresStore::begin_orders(CacheUpdate update) {
    return std::make_unique<InsertedOrders>(m_connection, update);
}

} // namespace ordercache
