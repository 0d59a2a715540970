#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// A Redis or Valkey service, as REDIS_SERVICE_URI names it.
struct RedisService {
    enum class Transport { tcp, tls, unix_socket };

    Transport transport = Transport::tcp;
    std::string host = "localhost"; ///< Without brackets; a path for a Unix socket.
    std::string port = "6379";      ///< Empty for a Unix socket.
    std::string user;               ///< Empty: none.
    std::string password;           ///< May be empty where there is a user.
    int database = 0;

    bool verify_certificate = true; ///< False by `ssl_cert_reqs=none` alone.
    std::string ca_file;            ///< Empty: the system's authorities.
    std::string certificate_file;   ///< A client's certificate; empty: none.
    std::string key_file;           ///< Empty: the certificate's file holds the key too.

    std::optional<std::chrono::milliseconds> connect_timeout; ///< The URI's, where it has one.
    std::optional<std::chrono::milliseconds> reply_timeout;

    std::vector<std::string> ignored_options; ///< The names of other clients' options.

    /// How an error names the service: `cache.example:6379`, `[::1]:6379`, `/run/redis.sock`.
    std::string peer() const;
};

/// Takes a `redis`, `rediss`, `valkey`, `valkeys` or `unix` URI apart. Of the options after the
/// `?` it applies redis-py's, and ignores those that tune another client.
/// Throws std::invalid_argument, whose message says what is wrong and never quotes a value.
RedisService parse_redis_uri(std::string_view text);

} // namespace ordercache
