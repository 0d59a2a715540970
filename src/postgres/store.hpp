#pragma once

#include "cache_aside/order_store.hpp"
#include "postgres/connection.hpp"
#include "postgres/inserted_orders.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ordercache {

/// A known total that is not the number of orders.
struct WrongTotal {
    std::int64_t known;
    std::int64_t counted;
};

/// The orders in PostgreSQL.
class PostgresStore : public OrderStore {
public:
    explicit PostgresStore(PostgresConnection connection) : m_connection(std::move(connection)) {}

    Probe probe(const std::vector<Scope>& scopes, const Tick& tick) override;
    Counted count(const std::vector<Scope>& scopes, const Tick& tick) override;
    std::optional<Counted> count_total(const std::function<bool()>& is_wanted) override;
    bool has_run_since(const Counted& counted) override;
    TransactionStatus status_of(const WriteId& write) override;

    /// Compares the known total with a count in the same snapshot. Returns nullopt if they are
    /// equal, or the total is not known or may not be asked for.
    std::optional<WrongTotal> wrong_known_total();

    /// Has the follower count the known total anew. Until then nobody uses it. Returns false if the
    /// role may not do that.
    bool forget_known_total();

    /// Begins a transaction that inserts orders. This object must outlive it.
    std::unique_ptr<InsertedOrders> begin_orders(CacheUpdate update);

private:
    PostgresConnection m_connection;
};

} // namespace ordercache
