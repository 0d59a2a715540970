#include "redis/uri.hpp"

#include "base/seconds.hpp"
#include "base/uri.hpp"
#include "base/whole_number.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <stdexcept>

namespace ordercache {

namespace {

using Transport = RedisService::Transport;

constexpr auto k_sentinel_port = "26379";

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, text) != words.end();
}

bool holds_any(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::ranges::any_of(
        words, [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

std::invalid_argument unknown_option(std::string_view name) {
    return std::invalid_argument(fmt::format("the option {} is unknown: leave it out", name));
}

Transport parse_scheme(std::string_view scheme) {
    if (is_one_of(scheme, {"redis", "valkey", "redis+sentinel", "valkey+sentinel"})) {
        return Transport::tcp;
    }
    if (is_one_of(scheme, {"rediss", "valkeys", "rediss+sentinel", "valkeys+sentinel"})) {
        return Transport::tls;
    }
    if (scheme == "unix") {
        return Transport::unix_socket;
    }
    throw std::invalid_argument("it must begin with redis://, rediss://, valkey://, valkeys://, "
                                "redis+sentinel://, rediss+sentinel:// or unix://, as in "
                                "rediss://user:password@host:6379/0");
}

int parse_database(std::string_view text) {
    const auto number = parse_whole_number(text, 0, std::numeric_limits<int>::max());
    if (!number) {
        throw std::invalid_argument("the database must be a number, 0 or more");
    }
    return static_cast<int>(*number);
}

/// For a client, Python's CERT_OPTIONAL means CERT_REQUIRED.
bool parse_verification(std::string_view text) {
    const bool verifies =
        is_one_of(text, {"required", "optional", "CERT_REQUIRED", "CERT_OPTIONAL"});
    if (!verifies && !is_one_of(text, {"none", "CERT_NONE"})) {
        throw std::invalid_argument("ssl_cert_reqs must be required or none");
    }
    return verifies;
}

std::chrono::milliseconds parse_timeout(std::string_view text) {
    const auto timeout = parse_seconds(text);
    if (!timeout || timeout->count() == 0) {
        throw std::invalid_argument("a timeout must be a number of seconds, such as 5 or 1.5");
    }
    return *timeout;
}

/// As apply_known(), for the options for TLS.
bool apply_known_for_tls(const UriOption& option, RedisService& service) {
    if (option.name == "ssl_ca_certs") {
        service.ca_file = option.value;
    } else if (option.name == "ssl_cert_reqs") {
        service.verify_certificate = parse_verification(option.value);
    } else if (option.name == "ssl_certfile") {
        service.certificate_file = option.value;
    } else if (option.name == "ssl_keyfile") {
        service.key_file = option.value;
    } else {
        return false;
    }
    return true;
}

/// Applies one of redis-py's options. Returns false if it is another option.
bool apply_known(const UriOption& option, RedisService& service) {
    if (option.name == "db") {
        service.database = parse_database(option.value);
    } else if (option.name == "socket_connect_timeout") {
        service.connect_timeout = parse_timeout(option.value);
    } else if (option.name == "socket_timeout") {
        service.reply_timeout = parse_timeout(option.value);
    } else if (option.name == "sentinel_password" && !service.sentinels.empty()) {
        service.sentinel_password = option.value;
    } else {
        return service.transport == Transport::tls && apply_known_for_tls(option, service);
    }
    return true;
}

/// Returns whether the name says that the option tunes another client or its connections. Any other
/// option may change the answer, for example a prefix of the keys, or ask for security.
bool is_tuning(std::string_view name) {
    return holds_any(name, {"alive", "client", "conn", "coding", "decode", "idle", "interval",
                            "retr", "timeout"}) &&
           !holds_any(name, {"auth", "cert", "class", "crypt", "password", "secur"});
}

/// Throws std::invalid_argument if the option asks for TLS and the scheme does not, or if it asks
/// for more than a verified certificate. Other options have no effect here.
void check_tls_option(std::string_view name, std::string_view value, Transport transport) {
    const bool is_off =
        is_one_of(value, {"0", "false", "no", "off", "none", "disable", "disabled"});
    const bool is_switch =
        is_one_of(name, {"ssl", "sslmode", "ssl_mode", "ssl_check_hostname", "tls", "usessl",
                         "use_ssl", "usetls", "use_tls", "enabletls", "enablessl"});
    if (transport != Transport::tls && (!is_off || name.starts_with("ssl_"))) {
        throw std::invalid_argument(fmt::format(
            "the option {} asks for TLS, which needs the scheme rediss:// or valkeys://", name));
    }
    if (!is_off && !is_switch) {
        throw unknown_option(name);
    }
}

/// An option for a password is refused before a later option is shown: if the password has a raw &,
/// the later name is a piece of it.
void apply(const UriOption& option, RedisService& service) {
    if (apply_known(option, service)) {
        return;
    }
    const std::string name = lower_case(option.name);
    const std::string value = lower_case(option.value);
    if (name == "username" || name.find("password") != std::string::npos) {
        throw std::invalid_argument(
            "user and password must stand before the host, as in redis://user:password@host");
    }
    if (holds_any(name, {"ssl", "tls"})) {
        check_tls_option(name, value, service.transport);
    } else if (!is_tuning(name) && !(name == "protocol" && is_one_of(value, {"2", "3"}))) {
        throw unknown_option(option.name);
    }
    service.ignored_options.emplace_back(option.name);
}

void take_credentials(std::string_view userinfo, RedisService& service) {
    const auto [user, password] = cut(userinfo, ':');
    if (!password) {
        throw std::invalid_argument("a colon must separate user and password before the @: write "
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
        throw std::invalid_argument("it must name one host: of a cluster, any of its nodes; "
                                    "several Sentinels need redis+sentinel://");
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

/// The host and the port of an empty address have defaults, as those of redis:// do.
void take_sentinels(const Uri& uri, RedisService& service) {
    for (const std::string_view address : split(uri.hosts, ',')) {
        Endpoint sentinel = parse_endpoint(address);
        sentinel.host = sentinel.host.empty() ? service.host : sentinel.host;
        sentinel.port = sentinel.port.empty() ? k_sentinel_port : sentinel.port;
        service.sentinels.push_back(sentinel);
    }
    const auto [name, database] =
        cut(uri.path.substr(std::min<std::size_t>(uri.path.size(), 1)), '/');
    service.primary_name = percent_decode(name);
    check_printable(service.primary_name, "the service");
    if (service.primary_name.empty()) {
        throw std::invalid_argument("the Sentinels' name of the service must follow their "
                                    "addresses, as in redis+sentinel://host:26379/mymaster");
    }
    if (database && !database->empty()) {
        service.database = parse_database(percent_decode(*database));
    }
}

void take_addresses(const Uri& uri, RedisService& service) {
    service.transport = parse_scheme(uri.scheme);
    if (uri.scheme.ends_with("+sentinel")) {
        take_sentinels(uri, service);
    } else if (service.transport == Transport::unix_socket) {
        take_socket(uri, service);
    } else {
        take_address(uri, service);
    }
}

} // namespace

std::string RedisService::peer() const {
    return transport == Transport::unix_socket ? host : to_string(Endpoint{host, port});
}

std::string RedisService::name() const {
    return (is_sentinel ? "Sentinel at " : "Redis at ") + peer();
}

RedisService parse_redis_uri(std::string_view text) {
    const Uri uri = split_uri(text);
    RedisService service;
    take_addresses(uri, service);
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
