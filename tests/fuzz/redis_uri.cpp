// REDIS_SERVICE_URI: what is understood is written as another URI and understood the same; a
// password is never shown.

#include "redis/uri.hpp"

#include "base/uri.hpp"
#include "fuzzing.hpp"

#include <optional>
#include <stdexcept>

namespace {

using namespace ordercache;
using Transport = RedisService::Transport;

std::string scheme(Transport transport) {
    switch (transport) {
    case Transport::tcp:
        return "redis";
    case Transport::tls:
        return "valkeys";
    default:
        return "unix";
    }
}

std::string address(const RedisService& service) {
    if (service.transport == Transport::unix_socket) {
        return "/" + percent_encode(service.host.substr(1));
    }
    return fmt::format("[{}]:{}", percent_encode(service.host), service.port);
}

std::string options(const RedisService& service) {
    std::string options = fmt::format("?db={}", service.database);
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) {
            options += fmt::format("&{}={}", name, percent_encode(value));
        }
    };
    add("ssl_ca_certs", service.ca_file);
    add("ssl_certfile", service.certificate_file);
    add("ssl_keyfile", service.key_file);
    add("ssl_cert_reqs", service.verify_certificate ? "" : "none");
    add("socket_connect_timeout", seconds(service.connect_timeout));
    add("socket_timeout", seconds(service.reply_timeout));
    return options;
}

std::string to_uri(const RedisService& service) {
    return fmt::format("{}://{}:{}@{}{}", scheme(service.transport), percent_encode(service.user),
                       percent_encode(service.password), address(service), options(service));
}

/// Absent: refused.
std::optional<RedisService> redis_service(std::string_view uri) {
    try {
        return parse_redis_uri(uri);
    } catch (const std::invalid_argument& error) {
        require_no_secret(error.what());
        return std::nullopt;
    }
}

void check_writes_back(const RedisService& service) {
    const std::string uri = to_uri(service);
    const auto again = redis_service(uri);
    require(again && to_uri(*again) == uri, "what was understood is understood again");
    require(again->peer() == service.peer(), "it names the same peer");
}

/// The input's lines: scheme, user, two pieces of a password, and what follows the @.
void check_secret(std::string_view input) {
    auto lines = split(input, '\n');
    lines.resize(5);
    const auto service = redis_service(fmt::format("{}://{}:{}{}{}@{}", lines[0], lines[1],
                                                   lines[2], k_secret, lines[3], lines[4]));
    if (service) {
        require_no_secret(service->peer());
    }
}

} // namespace

FUZZER(redis_uri, input) {
    if (input.find(k_secret) != std::string_view::npos) {
        return; // It may then stand for an option or a host as well.
    }
    if (const auto service = redis_service(input)) {
        check_writes_back(*service);
    }
    check_secret(input);
}
