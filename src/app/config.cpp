#include "app/config.hpp"

#include "base/error.hpp"
#include "base/uri.hpp"
#include "base/whole_number.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace ordercache {

namespace {

constexpr std::chrono::seconds k_default_time_to_live{120};
constexpr auto k_default_key_prefix = "num_orders";

constexpr auto k_redis_uri = "REDIS_SERVICE_URI";
constexpr auto k_redis_example = "redis://user:password@host:6379/0";
constexpr auto k_postgres_uri = "PG_SERVICE_URI";
constexpr auto k_postgres_database = "PG_DATABASE";
constexpr auto k_postgres_example = "postgres://user:password@host:5432/defaultdb";

using Warn = std::function<void(const std::string&)>;

/// Says each warning once, however often its variable is read.
Warn once(Warn warn) {
    return [warn = std::move(warn),
            said = std::set<std::string>()](const std::string& message) mutable {
        if (said.insert(message).second) {
            warn(message);
        }
    };
}

/// Names the variable in what `parse` finds wrong with its value.
template <typename Parse>
auto naming(const char* variable, Parse parse) {
    try {
        return parse();
    } catch (const std::invalid_argument& error) {
        throw usage_error(fmt::format("{}: {}", variable, error.what()));
    }
}

/// Without braces, or with a hash tag that a key and its lease have in common: the first `{` and
/// the first `}` after it, with something between, are what Redis Cluster goes by.
bool has_clear_hash_tag(std::string_view prefix) {
    const auto open = prefix.find('{');
    const auto close = prefix.find('}');
    if (open == std::string_view::npos && close == std::string_view::npos) {
        return true;
    }
    return open != std::string_view::npos && close != std::string_view::npos && open + 1 < close &&
           prefix.find('{', open + 1) == std::string_view::npos &&
           prefix.find('}', close + 1) == std::string_view::npos;
}

} // namespace

Config::Config(Environment environment, Warn warn)
    : m_environment(std::move(environment)), m_warn(once(std::move(warn))) {}

void Config::require_a_service() const {
    if (value(k_redis_uri).empty() && value(k_postgres_uri).empty()) {
        throw usage_error(
            fmt::format("{} and {} are not set: they must name the services, as in {} and {}",
                        k_redis_uri, k_postgres_uri, k_redis_example, k_postgres_example));
    }
}

RedisService Config::redis() const {
    const std::string uri = required(k_redis_uri, k_redis_example);
    RedisService service = naming(k_redis_uri, [&] { return parse_redis_uri(uri); });
    if (!service.verify_certificate) {
        m_warn(fmt::format("{}: ssl_cert_reqs=none leaves the server's certificate unverified: "
                           "whoever stands between can read and change everything",
                           k_redis_uri));
    }
    for (const std::string& option : service.ignored_options) {
        m_warn(fmt::format("{}: the option {} is ignored: it has no effect here", k_redis_uri,
                           option));
    }
    return service;
}

PostgresService Config::postgres() const {
    const std::string uri = required(k_postgres_uri, k_postgres_example);
    const std::string database = value(k_postgres_database);
    naming(k_postgres_database, [&] { check_name(database, "the name"); });
    return naming(k_postgres_uri, [&] { return parse_postgres_uri(uri, database, m_environment); });
}

std::string Config::key_prefix() const {
    const std::string prefix = m_environment("CACHE_KEY_PREFIX").value_or("");
    if (!has_clear_hash_tag(prefix)) {
        throw usage_error(
            "CACHE_KEY_PREFIX: braces must enclose one hash tag, as in {shop}:orders");
    }
    return prefix.empty() ? k_default_key_prefix : prefix;
}

std::chrono::seconds Config::time_to_live() const {
    const auto text = m_environment("CACHE_TIMEOUT_SECONDS");
    if (!text) {
        return k_default_time_to_live;
    }
    const auto seconds = parse_whole_number(*text, 1, std::numeric_limits<std::int32_t>::max());
    if (!seconds) {
        m_warn(
            fmt::format("CACHE_TIMEOUT_SECONDS: a time to live must be a whole number of seconds "
                        "from 1 to 2147483647; {} is used",
                        k_default_time_to_live.count()));
        return k_default_time_to_live;
    }
    return std::chrono::seconds(*seconds);
}

/// Empty where the variable is not set.
std::string Config::value(const char* name) const {
    return m_environment(name).value_or("");
}

std::string Config::required(const char* name, const char* example) const {
    std::string given = value(name);
    if (given.empty()) {
        throw usage_error(
            fmt::format("{} is not set: it must name the service, as in {}", name, example));
    }
    return given;
}

} // namespace ordercache
