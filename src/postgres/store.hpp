#pragma once

#include "base/reporter.hpp"
#include "base/waiting.hpp"
#include "cache_aside/order_store.hpp"
#include "postgres/inserted_orders.hpp"
#include "postgres/orders_view.hpp"
#include "postgres/session.hpp"
#include "postgres/uri.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace ordercache {

class PostgresConnection;

/// The orders in PostgreSQL. Connects when it is first needed.
class PostgresStore : public OrderStore {
public:
    /// `reporter` must outlive this object. Tests pass another `open`.
    PostgresStore(PostgresService service, OrdersView view, TimeLimit limit, Reporter& reporter,
                  OpenSession open = open_session);
    ~PostgresStore() override;

    Probe probe(const std::vector<Scope>& scopes, const Tick& tick) override;
    Counted count(const std::vector<Scope>& scopes, const Tick& tick) override;
    std::optional<Counted> count_total(const std::function<bool()>& is_wanted) override;
    bool has_run_since(const Counted& counted) override;
    TransactionStatus status_of(const WriteId& write) override;

    /// Begins a transaction that inserts orders.
    std::unique_ptr<InsertedOrders> begin_orders(CacheUpdate update);

private:
    std::shared_ptr<PostgresConnection> m_connection;
};

} // namespace ordercache
