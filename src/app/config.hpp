#pragma once

#include "base/environment.hpp"
#include "postgres/uri.hpp"
#include "redis/uri.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace ordercache {

/// The environment's answers, each read when a command needs it: a hit needs no PG_SERVICE_URI.
class Config {
public:
    /// Gets its variables from `environment`, and says on `warn`, once each, what it ignores.
    Config(Environment environment, std::function<void(const std::string&)> warn);

    /// For a command that may need both services. Throws Error (usage) naming both variables where
    /// neither is set, so that the second is not learnt of only after the first.
    void require_a_service() const;

    /// REDIS_SERVICE_URI. Throws Error (usage) naming the variable, never its value. Warns where
    /// the URI asks that no certificate be verified, and of each option that is ignored.
    RedisService redis() const;

    /// PG_SERVICE_URI with PG_DATABASE. Throws Error (usage) naming the variable, never its value.
    PostgresService postgres() const;

    /// CACHE_KEY_PREFIX, `num_orders` where it is unset or empty. Throws Error (usage) where its
    /// braces are not one cluster hash tag, `{shop}:orders` say.
    std::string key_prefix() const;

    /// CACHE_TIMEOUT_SECONDS, 120 where it is unset. Where it is bad: a warning, and 120.
    std::chrono::seconds time_to_live() const;

private:
    std::string value(const char* name) const;
    std::string required(const char* name, const char* example) const;

    Environment m_environment;
    std::function<void(const std::string&)> m_warn;
};

} // namespace ordercache
