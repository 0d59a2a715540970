#include "postgres/inserted_orders.hpp"

#include "postgres/commit_outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ordercache {

namespace {

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

InsertedOrders::InsertedOrders(PostgresConnection& connection, CacheUpdate update)
    : m_connection(connection), m_transaction(connection) {
    m_must_note = m_connection.ask([update](PostgresSession& session) {
        return ordercache::begin_orders(session, update == CacheUpdate::by_writer);
    });
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
        m_insert = m_connection.ask(insert_piece_sql);
    }
    const std::int64_t last = m_size - 1;
    const std::int64_t first = m_size - std::ssize(orders);
    const auto place = first == last ? fmt::format("order {}", last)
                                     : fmt::format("one of orders {} to {}", first, last);
    const auto stored = naming_place(place, [&] {
        return m_connection.ask(
            [sql = m_insert, orders = std::move(orders)](PostgresSession& session) {
                return ordercache::insert_piece(session, sql, orders);
            });
    });
    for (const StoredOrder& order : stored) {
        note(order);
    }
}

void InsertedOrders::finish() {
    const Others others{m_size > 1, m_counted, m_must_note};
    const auto act = [&] {
        return m_connection.ask([order = *m_last, others](PostgresSession& session) {
            return insert_last(session, order, others);
        });
    };
    const auto inserted =
        others.are_there ? naming_place(fmt::format("order {}", m_size), act) : act();
    if (inserted) {
        m_inserted = *inserted;
        note(m_inserted.stored);
    }
    check_stored();
}

void InsertedOrders::check() {
    m_connection.ask([](PostgresSession& session) { session.run(k_check_now); });
}

const OrderId& InsertedOrders::id() const {
    if (!m_inserted.id.order || !m_inserted.stored.customer) {
        throw refusal("the order would be stored without its customer or its number");
    }
    return *m_inserted.id.order;
}

std::optional<std::vector<Scope>> InsertedOrders::changed_customers() const {
    if (m_inserted.changes_more) {
        return std::nullopt;
    }
    std::vector<Scope> changed;
    for (const std::string& id : m_customers) {
        if (known_customer(id, m_connection.view().customer_type)) {
            changed.push_back(Scope{CustomerId{id}}); // nobody counts another
        }
    }
    std::ranges::sort(changed);
    return changed;
}

CommitEnd InsertedOrders::commit() {
    return commit_and_learn_outcome(m_connection, m_inserted);
}

void InsertedOrders::check_stored() const {
    if (m_stored < m_size) {
        throw refusal(m_size == 1 ? "the order was skipped, not stored"
                                  : fmt::format("{} of {} orders would be stored, so none is added",
                                                m_stored, m_size));
    }
}

/// An order without a customer changes only the total.
void InsertedOrders::note(const StoredOrder& order) {
    ++m_stored;
    m_counted += order.counts ? 1 : 0;
    if (order.counts && order.customer) {
        m_customers.insert(order.customer->text);
    }
}

Error InsertedOrders::refusal(const std::string& what) const {
    return m_connection.failure(
        ErrorKind::rejected,
        fmt::format("{}: a trigger or a rule of the table {} skips or changes it", what,
                    m_connection.view().table));
}

} // namespace ordercache
