#include "postgres/pending_orders.hpp"

#include "base/error.hpp"
#include "postgres/order_row.hpp"
#include "postgres/uncommitted.hpp"
#include "postgres/writers_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace ordercache {

namespace {

/// At the end of a COPY PostgreSQL checks each order's customer, 3 s for a million, and says
/// nothing meanwhile: it has ten times that, beside the limit of any wait.
constexpr std::chrono::microseconds k_time_to_check_an_order{30};

/// How many rows this session's transactions wrote to `orders`, with those that PostgreSQL has not
/// yet added to its statistics; NULL where that is not counted.
constexpr auto k_rows_written = R"sql((
WITH RECURSIVE tables AS (
    SELECT 'orders'::regclass::oid AS id
    UNION ALL SELECT inhrelid FROM pg_inherits JOIN tables ON inhparent = id)
SELECT sum(pg_stat_get_xact_tuples_inserted(id)) FROM tables JOIN pg_class ON oid = id
HAVING bool_and(relkind IN ('r', 'p')) AND current_setting('track_counts')::bool))sql";

std::optional<std::int64_t> rows_written(const Row& row) {
    return row.is_null("rows") ? std::nullopt : std::optional(row.number("rows"));
}

/// What waits for the commit comes first: checks that take long must not last into the COMMIT.
std::string finish_sql() {
    return fmt::format(R"sql(
SET CONSTRAINTS ALL IMMEDIATE;
SELECT pg_current_xact_id() AS transaction, {} AS changes_more, {} AS rows, {})sql",
                       may_change_more_sql(), k_rows_written, lock_batch_sql());
}

/// The number of an order that the transaction wrote. Absent where the numbers do not come from the
/// sequence that the column owns: then currval() fails.
std::optional<OrderId> last_order(PostgresSession& session) {
    try {
        const Rows rows = session.run(R"sql(
SAVEPOINT before_currval;
SELECT currval(pg_get_serial_sequence('orders', 'orderid'))::text AS orderid)sql");
        const Row row = rows.only();
        return row.is_null("orderid") ? std::nullopt : std::optional(row.text("orderid"));
    } catch (const SessionFailure&) {
        session.run("ROLLBACK TO SAVEPOINT before_currval");
        return std::nullopt;
    }
}

/// `($1,$2,$3,$4,$5),($6,…`
std::string placeholders(std::size_t rows) {
    std::string sql;
    for (std::size_t i = 1; i <= 5 * rows; i += 5) {
        sql += fmt::format("{}(${},${},${},${},${})", i == 1 ? "" : ",", i, i + 1, i + 2, i + 3,
                           i + 4);
    }
    return sql;
}

/// Gives how many of the orders PostgreSQL stored.
std::int64_t insert(PostgresSession& session, const CopyRows& rows) {
    std::vector<std::string> values;
    for (const auto& row : rows) {
        values.insert(values.end(), row.begin(), row.end());
    }
    const auto sql = fmt::format("WITH stored AS (INSERT INTO orders ({}) VALUES {} RETURNING 1) "
                                 "SELECT count(*) AS stored FROM stored",
                                 fmt::join(order_columns(), ","), placeholders(rows.size()));
    return session.run(sql, values).only().number("stored");
}

/// What a batch left behind.
struct Finished {
    WriteId write;
    bool changes_more = false; ///< Than the counts of its customers and of all.
    std::optional<std::int64_t> rows;
};

Finished finish_batch(PostgresSession& session) {
    const Rows rows = session.run(finish_sql());
    const Row row = rows.only();
    Finished finished{{.transaction = static_cast<TransactionId>(row.number("transaction"))},
                      row.flag("changes_more"),
                      rows_written(row)};
    finished.write.order = last_order(session);
    finished.write.is_as_sent = !finished.changes_more;
    return finished;
}

/// Distinct customers, each with its first order's place in the batch, eight bytes.
class CustomerSet {
public:
    void insert(const std::vector<Order>& orders) {
        for (const Order& order : orders) {
            m_customers.push_back({order.customer, ++m_size});
        }
        if (m_customers.size() >= m_next_sorting) {
            sort();
            m_next_sorting = std::max(k_first_sorting, 2 * m_customers.size());
        }
    }

    std::vector<Scope> scopes() {
        sort();
        std::vector<Scope> scopes;
        std::ranges::transform(m_customers, std::back_inserter(scopes),
                               [](const FirstOrder& first) { return Scope{first.customer}; });
        return scopes;
    }

    /// The place of the customer's first order, from 1.
    std::optional<std::uint32_t> first_order(CustomerId customer) {
        sort();
        const auto found =
            std::ranges::lower_bound(m_customers, customer, {}, &FirstOrder::customer);
        return found != m_customers.end() && found->customer == customer
                   ? std::optional(found->place)
                   : std::nullopt;
    }

private:
    struct FirstOrder {
        CustomerId customer;
        std::uint32_t place;
    };

    static constexpr std::size_t k_first_sorting = 64 << 10;

    void sort() {
        std::ranges::sort(m_customers, {}, [](const FirstOrder& first) {
            return std::tuple(first.customer, first.place);
        });
        const auto is_same = [](const FirstOrder& one, const FirstOrder& other) {
            return one.customer == other.customer;
        };
        m_customers.erase(std::unique(m_customers.begin(), m_customers.end(), is_same),
                          m_customers.end());
    }

    std::vector<FirstOrder> m_customers;
    std::uint32_t m_size = 0;
    std::size_t m_next_sorting = k_first_sorting;
};

/// Copies, where the rows that this stores are counted. Elsewhere, as in a view, it inserts, which
/// is slower but tells how many it stored.
class CopiedOrders : public Uncommitted<PendingBatch> {
public:
    CopiedOrders(const std::shared_ptr<PostgresConnection>& postgres, CacheUpdate update)
        : Uncommitted(postgres) {
        m_rows_before = connection().ask([update](PostgresSession& session) {
            const Rows rows = session.run(
                fmt::format("{}; SELECT {} AS rows", begin_sql(update), k_rows_written));
            const auto before = rows_written(rows.only());
            if (before) {
                session.begin_copy("orders", order_columns());
            }
            return before;
        });
    }

    void copy(const std::vector<Order>& orders) override {
        const auto rows = std::make_shared<CopyRows>();
        rows->reserve(orders.size());
        std::ranges::transform(orders, std::back_inserter(*rows), order_row);
        m_customers.insert(orders);
        m_size += static_cast<std::int64_t>(orders.size());
        m_last = orders.back();
        if (is_copying()) {
            connection().ask([rows](PostgresSession& session) { session.copy(*rows); });
        } else {
            insert_rows(rows);
        }
    }

    void finish() override {
        Finished finished = finish_checks();
        finished.write.content = m_last;
        check_stored(is_copying() ? finished.rows.value_or(*m_rows_before) - *m_rows_before
                                  : m_inserted);
        set_write_id(finished.write);
        if (!finished.changes_more) {
            m_changed = m_customers.scopes();
        }
    }

    std::optional<std::vector<Scope>> changed_customers() const override { return m_changed; }
    std::int64_t size() const override { return m_size; }

private:
    bool is_copying() const { return m_rows_before.has_value(); }

    void insert_rows(const std::shared_ptr<CopyRows>& rows) {
        try {
            m_inserted += connection().ask(
                [rows](PostgresSession& session) { return insert(session, *rows); });
        } catch (const MissingCustomer& error) {
            throw with_place(error);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::rejected) {
                throw;
            }
            const auto first = m_size - static_cast<std::int64_t>(rows->size()) + 1;
            throw Error(error.kind(), fmt::format("{} (one of orders {} to {} of the file)",
                                                  error.what(), first, m_size));
        }
    }

    Finished finish_checks() {
        const auto act = [is_copying = is_copying()](PostgresSession& session) {
            if (is_copying) {
                session.end_copy();
            }
            return finish_batch(session);
        };
        const auto time =
            std::chrono::ceil<std::chrono::milliseconds>(m_size * k_time_to_check_an_order);
        try {
            return connection().ask(act, {}, Signals::interrupt, time);
        } catch (const NoAnswer& error) {
            throw connection().failure(
                error.kind(), fmt::format("it was still checking {} orders when time was up; "
                                          "give a longer --timeout",
                                          m_size));
        } catch (const MissingCustomer& error) {
            throw with_place(error);
        }
    }

    Error with_place(const MissingCustomer& error) {
        const auto place = m_customers.first_order(error.customer());
        return place ? Error(error.kind(),
                             fmt::format("{} (order {} of the file)", error.what(), *place))
                     : Error(error);
    }

    void check_stored(std::int64_t stored) {
        if (stored < m_size) {
            throw connection().failure(
                ErrorKind::rejected,
                fmt::format("{} of {} orders would be stored, so none is added: a trigger or a "
                            "rule of the table orders skips the others",
                            stored, m_size));
        }
    }

    std::int64_t m_size = 0;
    std::optional<Order> m_last;
    std::optional<std::int64_t> m_rows_before; ///< Absent: nobody counts what a COPY stores.
    std::int64_t m_inserted = 0;
    CustomerSet m_customers;
    std::optional<std::vector<Scope>> m_changed; ///< Absent: anybody's counts may change.
};

} // namespace

std::unique_ptr<PendingBatch> begin_batch(const std::shared_ptr<PostgresConnection>& connection,
                                          CacheUpdate update) {
    return std::make_unique<CopiedOrders>(connection, update);
}

} // namespace ordercache
