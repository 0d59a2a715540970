#include "app/config.hpp"

#include "base/error.hpp"
#include "base/uri.hpp"
#include "base/whole_number.hpp"
#include "io/line_reader.hpp"
#include "postgres/follow_sql.hpp"

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

constexpr auto k_redis_uri = "REDIS_SERVICE_URI";
constexpr auto k_redis_password_file = "REDIS_PASSWORD_FILE";
constexpr auto k_postgres_uri = "PG_SERVICE_URI";
constexpr auto k_time_to_live = "CACHE_TIMEOUT_SECONDS";

using Warn = std::function<void(const std::string&)>;

/// Warns of the same thing only once, however often a variable is read.
Warn once(Warn warn) {
    return [warn = std::move(warn),
            said = std::set<std::string>()](const std::string& message) mutable {
        if (said.insert(message).second) {
            warn(message);
        }
    };
}

/// `docker --env-file`, for example, keeps such quotes.
void refuse_enclosing_quotes(std::string_view text) {
    const bool begins_with_quote = text.starts_with('"') || text.starts_with('\'');
    if (begins_with_quote && text.size() > 1 && text.back() == text.front()) {
        throw std::invalid_argument("the value is in quotes: remove them");
    }
}

/// Refuses what is in a name only by mistake, since it would name another database or cache.
void check_plain(const std::string& name) {
    refuse_enclosing_quotes(name);
    if (name.find('\r') != std::string::npos) {
        throw std::invalid_argument(
            "it contains a carriage return, as in a file with CRLF line ends");
    }
    check_name(name, "it");
    if (name.starts_with(' ') || name.ends_with(' ')) {
        throw std::invalid_argument("it begins or ends with a blank");
    }
}

/// Returns whether the prefix has no brace, or exactly one hash tag, which Redis Cluster then finds
/// in a key and in its lease: something between a `{` and a `}`.
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

/// Returns the message without the file's name: somebody may have put the password itself there.
std::string without(const std::string& file, std::string message) {
    const auto at = message.find(file);
    return at == std::string::npos ? message : message.replace(at, file.size(), "the file");
}

} // namespace

Config::Config(Environment environment, Warn warn)
    : m_environment(std::move(environment)), m_warn(once(std::move(warn))) {}

/// Names the variable in a complaint of `parse`, which gets an empty text if it is not set.
template <typename Parse>
auto Config::parsed(const char* name, Parse parse) const {
    try {
        return parse(value(name));
    } catch (const std::invalid_argument& error) {
        throw usage_error(fmt::format("{}: {}", name, error.what()));
    }
}

RedisService Config::redis() const {
    const bool lacks_both = value(k_postgres_uri).empty();
    require(k_redis_uri, "redis://user:password@host:6379/0",
            lacks_both ? "; PG_SERVICE_URI is not set either" : "");
    RedisService service = parsed(k_redis_uri, [](const std::string& uri) {
        refuse_enclosing_quotes(uri);
        return parse_redis_uri(uri);
    });
    if (!service.verify_certificate) {
        m_warn(fmt::format("{}: ssl_cert_reqs=none leaves the server's certificate unverified: "
                           "anyone in between can read and change everything",
                           k_redis_uri));
    }
    for (const std::string& option : service.ignored_options) {
        m_warn(fmt::format("{}: the option {} is ignored: it has no effect here", k_redis_uri,
                           option));
    }
    if (const std::string file = value(k_redis_password_file); !file.empty()) {
        service.current_password = [this, file](Deadline deadline) {
            return password_in(file, deadline);
        };
    }
    return service;
}

/// Returns the first line. A file that was read before may be in the middle of its renewal, so that
/// another attempt helps.
std::string Config::password_in(const std::string& file, Deadline deadline) const {
    try {
        LineReader reader(file, TimeLimit::until(deadline));
        const auto line = reader.next();
        if (!line || line->empty()) {
            throw usage_error(fmt::format("the first line of {} is empty", file));
        }
        m_has_read_password = true;
        return std::string(*line);
    } catch (const Error& error) {
        const auto message =
            fmt::format("{}: {}", k_redis_password_file, without(file, error.what()));
        if (m_has_read_password) {
            throw CacheError(message);
        }
        throw usage_error(message);
    }
}

PostgresService Config::postgres() const {
    require(k_postgres_uri, "postgres://user:password@host:5432/defaultdb");
    const std::string database = parsed("PG_DATABASE", [](const std::string& name) {
        check_plain(name);
        return name;
    });
    return parsed(k_postgres_uri, [&](const std::string& uri) {
        refuse_enclosing_quotes(uri);
        return parse_postgres_uri(uri, database, m_environment);
    });
}

OrdersView Config::orders() const {
    OrdersView view;
    parsed("ORDERS_TABLE", [&](const std::string& table) {
        if (!table.empty()) {
            view.table = parse_table(table);
        }
    });
    parsed("ORDERS_COLUMNS", [&](const std::string& columns) { parse_columns(columns, view); });
    view.condition = value("ORDERS_WHERE");
    view.customer_type = customer_type();
    view.schema = follow_schema(key_prefix());
    return view;
}

std::string Config::key_prefix() const {
    return parsed("CACHE_KEY_PREFIX", [](const std::string& prefix) {
        check_plain(prefix);
        if (!has_clear_hash_tag(prefix)) {
            throw std::invalid_argument("braces must enclose one hash tag, as in {shop}:orders");
        }
        return prefix.empty() ? "num_orders" : prefix;
    });
}

CustomerType Config::customer_type() const {
    return parsed("ORDERS_CUSTOMER_TYPE", [](const std::string& type) {
        check_plain(type);
        return type.empty() ? CustomerType::integer : parse_customer_type(type);
    });
}

std::chrono::seconds Config::time_to_live() const {
    const std::string text = value(k_time_to_live);
    if (text.empty()) {
        return k_default_time_to_live;
    }
    const auto seconds = parse_whole_number(text, 1, std::numeric_limits<std::int32_t>::max());
    if (!seconds) {
        m_warn(fmt::format("{}: a time to live must be a whole number of seconds from 1 to "
                           "2147483647; {} is used",
                           k_time_to_live, k_default_time_to_live.count()));
        return k_default_time_to_live;
    }
    return std::chrono::seconds(*seconds);
}

/// Returns an empty text if the variable is not set.
std::string Config::value(const char* name) const {
    return m_environment(name).value_or("");
}

void Config::require(const char* name, const char* example, const char* hint) const {
    if (value(name).empty()) {
        throw usage_error(fmt::format("{} is not set: it must name the service, as in {}{}", name,
                                      example, hint));
    }
}

} // namespace ordercache
