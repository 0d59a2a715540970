#pragma once

#include "base/customer.hpp"
#include "base/environment.hpp"
#include "postgres/orders_view.hpp"
#include "postgres/uri.hpp"
#include "redis/uri.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace ordercache {

/// The configuration, from the environment. A variable is read when a command needs it: a hit needs
/// no PG_SERVICE_URI. An empty variable is an unset one. Each function throws Error (usage) for a
/// bad value, and names the variable but never the value.
class Config {
public:
    /// Passes each warning to `warn` once.
    Config(Environment environment, std::function<void(const std::string&)> warn);

    /// REDIS_SERVICE_URI, with the password from REDIS_PASSWORD_FILE, if that is set. Warns if no
    /// certificate is verified, and of each ignored option. If this variable and PG_SERVICE_URI are
    /// both unset, the error names both. This object must outlive the service.
    RedisService redis() const;

    /// PG_SERVICE_URI with PG_DATABASE.
    PostgresService postgres() const;

    /// ORDERS_TABLE, ORDERS_COLUMNS, ORDERS_WHERE and ORDERS_CUSTOMER_TYPE, the tutorial's table by
    /// default.
    OrdersView orders() const;

    /// CACHE_KEY_PREFIX, `num_orders` by default.
    std::string key_prefix() const;

    /// ORDERS_CUSTOMER_TYPE, `integer` by default.
    CustomerType customer_type() const;

    /// CACHE_TIMEOUT_SECONDS, 120 by default; a bad value is a warning, and 120.
    std::chrono::seconds time_to_live() const;

private:
    template <typename Parse>
    auto parsed(const char* name, Parse parse) const;
    std::string value(const char* name) const;
    std::string password_in(const std::string& file, Deadline deadline) const;
    void require(const char* name, const char* example, const char* hint = "") const;

    Environment m_environment;
    std::function<void(const std::string&)> m_warn;
    mutable bool m_has_read_password = false;
};

} // namespace ordercache
