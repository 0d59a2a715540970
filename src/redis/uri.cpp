#include "redis/uri.hpp"

#include "base/seconds.hpp"
#include "base/uri.hpp"
#include "base/whole_number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

namespace ordercache {

namespace {

using Transport = RedisService::Transport;

template <typename Value>
struct Entry {
    std::string_view name;
    Value value;
};

/// The entry of that name; null where the table has none.
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

/// Whether each verifies: to a client, Python's CERT_OPTIONAL is CERT_REQUIRED.
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

/// Whether the name says that the option tunes a client or its connections, as other clients have
/// many. Any other may change the answer, such as a prefix of the keys. One for a password is none:
/// a raw & in its value would have the rest shown as an option's name.
bool is_tuning(std::string_view name) {
    constexpr auto words =
        std::to_array<std::string_view>({"alive", "client", "conn", "coding", "decode", "idle",
                                         "interval", "protocol", "retr", "ssl", "timeout"});
    const std::string lower = lower_case(name);
    const auto holds = [&](std::string_view word) { return lower.find(word) != std::string::npos; };
    return std::ranges::any_of(words, holds) && !holds("password");
}

void apply(const UriOption& option, RedisService& service) {
    if (option.name.starts_with("ssl_") && service.transport != Transport::tls) {
        throw std::invalid_argument("its ssl_ options need the scheme rediss:// or valkeys://");
    }
    if (const auto* const known = find_entry(k_options, option.name)) {
        known->value(service, option.value);
    } else if (option.name == "username" || option.name == "password") {
        throw std::invalid_argument(
            "user and password must stand before the host, as in redis://user:password@host");
    } else if (is_tuning(option.name)) {
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
    const Endpoint endpoint = parse_endpoint(uri.hosts);
    if (endpoint.host.find(',') != std::string::npos) {
        throw std::invalid_argument("it must name one host; a cluster's is any node of it");
    }
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
