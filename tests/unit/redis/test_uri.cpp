#include "redis/uri.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

using Transport = RedisService::Transport;

constexpr auto tcp = Transport::tcp;
constexpr auto tls = Transport::tls;
constexpr auto unix_socket = Transport::unix_socket;

struct Accepted {
    const char* uri;
    Transport transport;
    const char* host;
    const char* port;
    const char* user;
    const char* password;
    int database;
};

struct Rejected {
    const char* uri;
    const char* message_part;
};

std::string refusal(const std::string& uri) {
    try {
        parse_redis_uri(uri);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "accepted";
}

} // namespace

TEST_CASE("a Redis URI names transport, address, credentials and database") {
    const auto table = std::to_array<Accepted>({
        {"redis://", tcp, "localhost", "6379", "", "", 0},
        {"rediss://", tls, "localhost", "6379", "", "", 0},
        {"redis://h", tcp, "h", "6379", "", "", 0},
        {"redis://h/", tcp, "h", "6379", "", "", 0},
        {"redis://h:/1", tcp, "h", "6379", "", "", 1},
        {"redis://h:7000/3", tcp, "h", "7000", "", "", 3},
        {"redis://127.0.0.1:65535/15", tcp, "127.0.0.1", "65535", "", "", 15},
        {"REDISS://h", tls, "h", "6379", "", "", 0},
        {"redis://:pw@h", tcp, "h", "6379", "", "pw", 0},
        {"redis://u:pw@h", tcp, "h", "6379", "u", "pw", 0},
        {"redis://us%3Aer:pw@h", tcp, "h", "6379", "us:er", "pw", 0},
        {"redis://u:p%40s%3A%2F%23@h", tcp, "h", "6379", "u", "p@s:/#", 0},
        {"redis://u:p%25w@h", tcp, "h", "6379", "u", "p%w", 0},
        {"redis://u:p%2540w@h", tcp, "h", "6379", "u", "p%40w", 0},
        {"redis://u:p+w@h", tcp, "h", "6379", "u", "p+w", 0},
        {"redis://shop:@h", tcp, "h", "6379", "shop", "", 0},
        {"redis://u:p:w@h", tcp, "h", "6379", "u", "p:w", 0},
        {"redis://[::1]", tcp, "::1", "6379", "", "", 0},
        {"rediss://[2001:db8::1]:7000/1", tls, "2001:db8::1", "7000", "", "", 1},
        {"redis://h?db=2", tcp, "h", "6379", "", "", 2},
        {"redis://h/1?db=2", tcp, "h", "6379", "", "", 2},
        {"redis://h/%31", tcp, "h", "6379", "", "", 1},
        {"redis://h?", tcp, "h", "6379", "", "", 0},
        {"rediss://h?ssl_cert_reqs=required", tls, "h", "6379", "", "", 0},
        {"redis://h?socket_timeout=5&socket_connect_timeout=1.5", tcp, "h", "6379", "", "", 0},
        {"redis://h?decode_responses=True&protocol=3&max_connections=10&health_check_interval=5"
         "&client_name=x&retry_on_timeout=true",
         tcp, "h", "6379", "", "", 0},
        {"rediss://default:AVNS_x@s.aivencloud.com:12345", tls, "s.aivencloud.com", "12345",
         "default", "AVNS_x", 0},
        {"valkey://h/1", tcp, "h", "6379", "", "", 1},
        {"valkeys://default:AVNS_x@s.aivencloud.com:12345", tls, "s.aivencloud.com", "12345",
         "default", "AVNS_x", 0},
        {"unix:///run/r.sock", unix_socket, "/run/r.sock", "", "", "", 0},
        {"unix://u:pw@/run/r.sock?db=1", unix_socket, "/run/r.sock", "", "u", "pw", 1},
        {"unix:///run/a%20b.sock", unix_socket, "/run/a b.sock", "", "", "", 0},
    });
    for (const Accepted& row : table) {
        CAPTURE(row.uri);
        const RedisService service = parse_redis_uri(row.uri);
        CHECK(service.transport == row.transport);
        CHECK(service.host == row.host);
        CHECK(service.port == row.port);
        CHECK(service.user == row.user);
        CHECK(service.password == row.password);
        CHECK(service.database == row.database);
        CHECK(service.verify_certificate);
    }
}

TEST_CASE("a Redis URI that leaves a doubt is refused, and the refusal says what is wrong") {
    const auto table = std::to_array<Rejected>({
        {"", "must begin with redis://"},
        {"h:6379", "must begin with redis://"},
        {"redis:h", "must begin with redis://"},
        {"http://h", "must begin with redis://"},
        {"redis://h:0", "port"},
        {"redis://h:70000", "port"},
        {"redis://h:abc", "port"},
        {"redis://h:-1", "port"},
        {"redis://h:+1", "port"},
        {"redis://::1", "brackets"},
        {"redis://[::1", "brackets"},
        {"redis://[::1]7000", "brackets"},
        {"redis://[]", "brackets"},
        {"redis://h/abc", "database"},
        {"redis://h/-1", "database"},
        {"redis://h/1/2", "database"},
        {"redis://h/2147483648", "database"},
        {"redis://h?db=x", "database"},
        {"redis://h?db=", "database"},
        {"redis://h?db", "name=value"},
        {"redis://h?foo=1", "foo"},
        {"redis://h?keyPrefix=x", "keyPrefix"},
        {"redis://h?password=x", "before the host"},
        {"redis://u:p%zz@h", "%25"},
        {"redis://u:p%2@h", "%25"},
        {"redis://u:p%@h", "%25"},
        {"redis://u:p%+1@h", "%25"},
        {"redis://u:p%00@h", "%00"},
        {"redis://u:p@w@h", "%40"},
        {"redis://u:p/w@h", "%2F"},
        {"redis://u:p?w@h", "%3F"},
        {"redis://u:p#w@h", "%23"},
        {"redis://h/1#x", "%23"},
        {"redis://secret@h", ":password@host"},
        {"redis://h1,h2", "one host"},
        {"redis://a:6379,b:6379", "one host"},
        {"redis://[::1]:6379,[::2]:6379", "one host"},
        {"redis://h%0a", "control character"},
        {"redis+sentinel://h", "/mymaster"},
        {"redis+sentinel://h/", "/mymaster"},
        {"redis+sentinel://h//1", "/mymaster"},
        {"redis+sentinel://h/m%0a", "control character"},
        {"redis+sentinel://h/m/x", "database"},
        {"redis+sentinel://h/m/1/2", "database"},
        {"redis+sentinel://h:0,h2/m", "port"},
        {"redis+sentinel://secret@h/m", ":password@host"},
        {"redis+sentinel://h/m?ssl=true", "rediss://"},
        {"unix+sentinel://h/m", "must begin with redis://"},
        {"redis+cluster://h", "must begin with redis://"},
        {"redis://h?sentinel_password=x", "before the host"},
        {"unix://", "unix:///"},
        {"unix:///", "unix:///"},
        {"unix://h/run/r.sock", "unix:///"},
        {" redis://h", "blank"},
        {"redis://h\n", "blank"},
        {"redis://u:p w@h", "blank"},
        {"redis://h?socket_timeout=0", "seconds"},
        {"redis://h?socket_timeout=-1", "seconds"},
        {"redis://h?socket_timeout=5s", "seconds"},
        {"redis://h?socket_timeout=1e3", "seconds"},
        {"redis://h?socket_timeout=nan", "seconds"},
        {"redis://h?socket_timeout=inf", "seconds"},
        {"redis://h?socket_timeout=99999999", "seconds"},
        {"rediss://h?ssl_cert_reqs=never", "ssl_cert_reqs"},
        {"redis://h?ssl_cert_reqs=none", "rediss://"},
        {"redis://h?ssl_ca_certs=/etc/ca.pem", "rediss://"},
        {"unix:///run/r.sock?ssl_ca_certs=/etc/ca.pem", "rediss://"},
        {"rediss://h?ssl_keyfile=/etc/k.pem", "ssl_certfile"},
        {"rediss://h?ssl_min_version=TLSv1_3", "ssl_min_version"},
        {"rediss://h?ssl_ca_path=/etc/authorities", "ssl_ca_path"},
        {"rediss://h?ssl_validate_ocsp=true", "ssl_validate_ocsp"},
        {"redis://h?secureConnection=true", "secureConnection"},
        {"redis://h?connection_class=SSLConnection", "connection_class"},
        {"redis://h?client_cert=/etc/c.pem", "client_cert"},
        {"redis://h?protocol=tls", "protocol"},
    });
    for (const Rejected& row : table) {
        CAPTURE(row.uri);
        CHECK(refusal(row.uri).find(row.message_part) != std::string::npos);
    }
}

TEST_CASE("an option that asks for TLS is refused where the scheme does not") {
    for (const std::string option :
         {"ssl=true", "ssl=1", "ssl=", "SSL=True", "useSsl=true", "use_tls=yes", "tls=true",
          "tls=required", "sslmode=require", "sslmode=verify-full", "ssl_check_hostname=false",
          "ssl_min_version=TLSv1_2", "startTls=true", "sslTimeout=5"}) {
        CAPTURE(option);
        CHECK(refusal("redis://u:s3cret@h?" + option).find("rediss://") != std::string::npos);
        CHECK(refusal("unix:///run/r.sock?" + option).find("rediss://") != std::string::npos);
    }
    for (const std::string option : {"ssl=false", "tls=0", "sslmode=disable", "useSsl=no"}) {
        CAPTURE(option);
        CHECK(parse_redis_uri("redis://h?" + option).ignored_options.size() == 1);
    }
    for (const std::string option : {"ssl=true", "sslmode=verify-full", "tls=1", "ssl=false"}) {
        CAPTURE(option);
        CHECK(parse_redis_uri("rediss://h?" + option).verify_certificate);
    }
}

TEST_CASE("a refusal never shows a password") {
    for (const char* uri : {"redis://u:s3cret%zz@h",
                            "redis://u:s3cret@x@h",
                            "redis://u:s3cret/x@h",
                            "redis://u:s3cret?x@h",
                            "redis://u:s3cret?x=1@h",
                            "redis://u:s3cret#x@h",
                            "redis://s3cret@h",
                            "redis://u:s3cret",
                            "redis://u:s3cret:x@h:0",
                            "redis://u:s3cret @h",
                            "http://u:s3cret@h",
                            "u:s3cret@h",
                            "redis://u:s3cret@h:x",
                            "redis://u:s3cret@h/x",
                            "redis://u:x/s3cret@h",
                            "redis://u:x?s3cret=1@h",
                            "redis://h?password=s3cret",
                            "redis://h?password=x&s3cret=y",
                            "redis://h?password=x&s3cret",
                            "rediss://h?ssl_password=x&s3cret=y",
                            "redis://h?foo=s3cret",
                            "redis://u:[s3cret@h:0",
                            "redis+sentinel://h/m?sentinel_password=s3cret%zz"}) {
        CAPTURE(uri);
        const std::string message = refusal(uri);
        CHECK(message != "accepted");
        CHECK(message.find("s3cret") == std::string::npos);
    }
}

TEST_CASE("a Redis URI's TLS options are applied, and verification is the default") {
    const RedisService defaults = parse_redis_uri("rediss://h");
    CHECK(defaults.verify_certificate);
    CHECK(defaults.ca_file.empty());

    const RedisService service = parse_redis_uri("rediss://h?ssl_ca_certs=/etc/my%20ca.pem"
                                                 "&ssl_certfile=/etc/c.pem&ssl_keyfile=/etc/k.pem");
    CHECK(service.verify_certificate);
    CHECK(service.ca_file == "/etc/my ca.pem");
    CHECK(service.certificate_file == "/etc/c.pem");
    CHECK(service.key_file == "/etc/k.pem");

    CHECK_FALSE(parse_redis_uri("rediss://h?ssl_cert_reqs=none").verify_certificate);
    CHECK_FALSE(parse_redis_uri("rediss://h?ssl_cert_reqs=CERT_NONE").verify_certificate);
    CHECK(parse_redis_uri("rediss://h?ssl_cert_reqs=optional").verify_certificate);
    CHECK(parse_redis_uri("rediss://h?ssl_check_hostname=false&timeout=1").verify_certificate);
}

TEST_CASE("an option that tunes another client is ignored by name, and its value forgotten") {
    const RedisService service = parse_redis_uri(
        "rediss://h?ssl_check_hostname=true&connectTimeout=s3cret&maxRetriesPerRequest=2&db=1");
    CHECK(service.ignored_options ==
          std::vector<std::string>{"ssl_check_hostname", "connectTimeout", "maxRetriesPerRequest"});
    CHECK(service.database == 1);
    CHECK(parse_redis_uri("redis://h?db=1&socket_timeout=1").ignored_options.empty());
}

TEST_CASE("a Redis URI's timeouts are decimal seconds") {
    const RedisService service =
        parse_redis_uri("redis://h?socket_timeout=5&socket_connect_timeout=1.5");
    CHECK(service.reply_timeout == 5000ms);
    CHECK(service.connect_timeout == 1500ms);
    CHECK(parse_redis_uri("redis://h?socket_timeout=0.001").reply_timeout == 1ms);

    const RedisService silent = parse_redis_uri("redis://h");
    CHECK(silent.reply_timeout == 2s);
    CHECK(silent.connect_timeout == 2s);
}

TEST_CASE("a URI of Sentinels names them, the service and the database") {
    const RedisService service = parse_redis_uri(
        "rediss+sentinel://u:p%40w@a:5000,[::1],:7000/shop%2F1/3?sentinel_password=x%26y");
    CHECK(service.transport == tls);
    CHECK(service.user == "u");
    CHECK(service.password == "p@w");
    CHECK(service.primary_name == "shop/1");
    CHECK(service.database == 3);
    CHECK(service.sentinel_password == "x&y");
    std::vector<std::string> sentinels;
    for (const Endpoint& each : service.sentinels) {
        sentinels.push_back(to_string(each));
    }
    CHECK(sentinels == std::vector<std::string>{"a:5000", "[::1]:26379", "localhost:7000"});
    for (const char* uri : {"redis+sentinel://a/m", "valkey+sentinel://a/m/", "REDIS+SENTINEL:///m",
                            "redis+sentinel://a,b/m?db=0"}) {
        CAPTURE(uri);
        CHECK(parse_redis_uri(uri).primary_name == "m");
        CHECK(parse_redis_uri(uri).transport == tcp);
        CHECK(parse_redis_uri(uri).database == 0);
    }
    CHECK(parse_redis_uri("redis://h/1").sentinels.empty());
}

TEST_CASE("an error names a Redis service by its address alone") {
    CHECK(parse_redis_uri("redis://u:pw@cache.example/1").peer() == "cache.example:6379");
    CHECK(parse_redis_uri("redis://:pw@[::1]:7000").peer() == "[::1]:7000");
    CHECK(parse_redis_uri("unix://u:pw@/run/redis.sock?db=1").peer() == "/run/redis.sock");
}
