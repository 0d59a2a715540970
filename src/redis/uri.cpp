#include "redis/uri.hpp"

#include "base/seconds.hpp"
#include "base/uri.hpp"
#include "base/whole_number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <stdexcept>

namespace ordercache {

namespace {

using Transport = RedisService::Transport;

template <typename Value>
struct Entry {
    std::string_view name;
    Value value;
};

/// Returns the entry of that name, or null.
template <typename Table>
auto find_entry(const Table& table, std::string_view name) {
    const auto found = std::find_if(table.begin(), table.end(),
                                    [&](const auto& entry) { return entry.name == name; });
    return found == table.end() ? nullptr : &*found;
}

constexpr auto k_schemes = std::to_array<Entry<Transport>>({
    {"redis", Transport::tcp},
    {"rediss", Transport::tls},
    {"valkey", Transport::tcp},
    {"valkeys", Transport::tls},
    {"unix", Transport::unix_socket},
});

/// The values of ssl_cert_reqs, and whether each verifies. For a client, Python's CERT_OPTIONAL
/// means CERT_REQUIRED.
constexpr auto k_certificate_requirements = std::to_array<Entry<bool>>({
    {"none", false},
    {"optional", true},
    {"required", true},
    {"CERT_NONE", false},
    {"CERT_OPTIONAL", true},
    {"CERT_REQUIRED", true},
});

Transport parse_scheme(std::string_view scheme) {
    const auto* const known = find_entry(k_schemes, scheme);
    if (known == nullptr) {
        throw std::invalid_argument("it must begin with redis://, rediss://, valkey://, valkeys:// "
                                    "or unix://, as in rediss://user:password@host:6379/0");
    }
    return known->value;
}

int parse_database(std::string_view text) {
    const auto number = parse_whole_number(text, 0, std::numeric_limits<int>::max());
    if (!number) {
        throw std::invalid_argument("the database must be a number, 0 or more");
    }
    return static_cast<int>(*number);
}

bool parse_verification(std::string_view text) {
    const auto* const known = find_entry(k_certificate_requirements, text);
    if (known == nullptr) {
        throw std::invalid_argument("ssl_cert_reqs must be required or none");
    }
    return known->value;
}

std::chrono::milliseconds parse_timeout(std::string_view text) {
    const auto timeout = parse_seconds(text);
    if (!timeout || timeout->count() == 0) {
        throw std::invalid_argument("a timeout must be a number of seconds, such as 5 or 1.5");
    }
    return *timeout;
}

using Apply = void (*)(RedisService&, const std::string& value);

constexpr auto k_options = std::to_array<Entry<Apply>>({
    {"db", [](RedisService& s, const std::string& value) { s.database = parse_database(value); }},
    {"socket_connect_timeout",
     [](RedisService& s, const std::string& value) { s.connect_timeout = parse_timeout(value); }},
    {"socket_timeout",
     [](RedisService& s, const std::string& value) { s.reply_timeout = parse_timeout(value); }},
    {"ssl_ca_certs", [](RedisService& s, const std::string& value) { s.ca_file = value; }},
    {"ssl_cert_reqs",
     [](RedisService& s,
        const std::string& value) { s.verify_certificate = parse_verification(value); }},
    {"ssl_certfile", [](RedisService& s, const std::string& value) { s.certificate_file = value; }},
    {"ssl_keyfile", [](RedisService& s, const std::string& value) { s.key_file = value; }},
});

bool holds_any(std::string_view text, std::span<const std::string_view> words) {
    return std::ranges::any_of(
        words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

bool is_one_of(std::string_view text, std::span<const std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
}

/// Returns whether the name says that the option tunes another client or its connections. Any other
/// option may change the answer, as a prefix of the keys does, or ask for security. The name of one
/// for a password is not shown: a raw & in its value would have the rest taken for a name.
bool is_tuning(std::string_view name) {
    constexpr auto words = std::to_array<std::string_view>(
        {"alive", "client", "conn", "coding", "decode", "idle", "interval", "retr", "timeout"});
    constexpr auto exceptions =
        std::to_array<std::string_view>({"auth", "cert", "class", "crypt", "password", "secur"});
    return holds_any(name, words) && !holds_any(name, exceptions);
}

/// Returns whether the option is about TLS in general, as those of redis-py begin with `ssl_`.
bool is_about_tls(std::string_view name) {
    constexpr auto words = std::to_array<std::string_view>({"ssl", "tls"});
    return holds_any(name, words);
}

/// Throws std::invalid_argument if the option asks for TLS and the scheme does not, or asks for
/// more than a verified certificate. The rest cannot matter.
void check_tls_option(std::string_view name, const std::string& value, Transport transport) {
    constexpr auto off =
        std::to_array<std::string_view>({"0", "false", "no", "off", "none", "disable", "disabled"});
    constexpr auto on = std::to_array<std::string_view>(
        {"", "1", "true", "yes", "on", "allow", "prefer", "preferred", "require", "required",
         "verify-ca", "verify-full", "enabled"});
    constexpr auto switches = std::to_array<std::string_view>(
        {"ssl", "sslmode", "ssl_mode", "ssl_check_hostname", "tls", "usessl", "use_ssl", "usetls",
         "use_tls", "enabletls", "enablessl"});
    const std::string lower = lower_case(value);
    const bool is_off = is_one_of(lower, off);
    if (transport != Transport::tls && (!is_off || name.starts_with("ssl_"))) {
        throw std::invalid_argument(fmt::format(
            "the option {} asks for TLS, which needs the scheme rediss:// or valkeys://", name));
    }
    if (!is_off && !(is_one_of(name, switches) && is_one_of(lower, on))) {
        throw std::invalid_argument(fmt::format("the option {} is unknown: leave it out", name));
    }
}

void apply(const UriOption& option, RedisService& service) {
    const std::string name = lower_case(option.name);
    const auto* const known = find_entry(k_options, option.name);
    if (known != nullptr && (service.transport == Transport::tls || !is_about_tls(name))) {
        known->value(service, option.value);
    } else if (name == "username" || name.find("password") != std::string::npos) {
        throw std::invalid_argument(
            "user and password must stand before the host, as in redis://user:password@host");
    } else if (is_about_tls(name)) {
        check_tls_option(name, option.value, service.transport);
        service.ignored_options.emplace_back(option.name);
    } else if (is_tuning(name) ||
               (name == "protocol" && (option.value == "2" || option.value == "3"))) {
        service.ignored_options.emplace_back(option.name);
    } else {
        throw std::invalid_argument(
            fmt::format("the option {} is unknown: leave it out", option.name));
    }
}

void take_credentials(std::string_view userinfo, RedisService& service) {
    const auto [user, password] = cut(userinfo, ':');
    if (!password) {
        throw std::invalid_argument("a colon must tell user from password before the @: write "
                                    ":password@host or user:password@host");
    }
    service.user = percent_decode(user);
    service.password = percent_decode(*password);
}

void take_socket(const Uri& uri, RedisService& service) {
    if (!uri.hosts.empty() || uri.path.size() < 2) {
        throw std::invalid_argument(
            "a unix URI has a path and no host: write unix:///run/redis.sock");
    }
    service.host = percent_decode(uri.path);
    check_printable(service.host, "the path");
    service.port.clear();
}

void take_address(const Uri& uri, RedisService& service) {
    if (uri.hosts.find(',') != std::string_view::npos) {
        throw std::invalid_argument("it must name one host: of a cluster, any of its nodes");
    }
    const Endpoint endpoint = parse_endpoint(uri.hosts);
    if (!endpoint.host.empty()) {
        service.host = endpoint.host;
    }
    if (!endpoint.port.empty()) {
        service.port = endpoint.port;
    }
    if (uri.path.size() > 1) {
        service.database = parse_database(percent_decode(uri.path.substr(1)));
    }
}

} // namespace

std::string RedisService::peer() const {
    return transport == Transport::unix_socket ? host : to_string(Endpoint{host, port});
}

RedisService parse_redis_uri(std::string_view text) {
    const Uri uri = split_uri(text);
    RedisService service;
    service.transport = parse_scheme(uri.scheme);
    if (service.transport == Transport::unix_socket) {
        take_socket(uri, service);
    } else {
        take_address(uri, service);
    }
    if (uri.userinfo) {
        take_credentials(*uri.userinfo, service);
    }
    for (const UriOption& option : parse_query(uri.query)) {
        apply(option, service);
    }
    if (!service.key_file.empty() && service.certificate_file.empty()) {
        throw std::invalid_argument("ssl_keyfile needs ssl_certfile");
    }
    return service;
}

} // namespace ordercache
