#pragma once

#include "base/uri.hpp"
#include "base/waiting.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// A Redis or Valkey service, as REDIS_SERVICE_URI names it.
struct RedisService {
    enum class Transport { tcp, tls, unix_socket };

    Transport transport = Transport::tcp;
    std::string host = "localhost"; ///< Without brackets. For a Unix socket, its path.
    std::string port = "6379";      ///< Empty for a Unix socket.
    std::string user;               ///< Empty if the URI has none.
    std::string password;           ///< Empty if the URI has none. May be empty beside a user.
    int database = 0;

    /// If set, returns the password of a new connection, instead of the URI's. Throws Error.
    std::function<std::string(Deadline)> current_password = {};

    bool verify_certificate = true; ///< False if the URI has `ssl_cert_reqs=none`.
    std::string ca_file;            ///< If empty, the system's authorities are used.
    std::string certificate_file;   ///< The client's certificate, if it has one.
    std::string key_file;           ///< If empty, the certificate's file holds the key too.
    std::string cluster_host;       ///< The URI's host, if another server told this one's address.

    std::vector<Endpoint> sentinels; ///< If there are any, they know the host and the port.
    std::string primary_name;        ///< As the Sentinels call the service.
    std::string sentinel_password;   ///< Empty if the Sentinels have none.
    bool is_sentinel = false;        ///< Whether this is one of them.

    std::chrono::milliseconds connect_timeout{2000};
    std::chrono::milliseconds reply_timeout{2000}; ///< For each reply.

    std::vector<std::string> ignored_options; ///< The names of other clients' options.

    /// Returns the name for errors: `cache.example:6379`, `[::1]:6379`, `/run/redis.sock`.
    std::string peer() const;

    /// Returns the peer and its kind: `Redis at cache.example:6379`, `Sentinel at [::1]:26379`.
    std::string name() const;
};

/// Parses a `redis`, `rediss`, `valkey`, `valkeys` or `unix` URI, or one that names Sentinels and
/// whose scheme ends with `+sentinel`. Of the options after the `?` it applies redis-py's, and
/// ignores those of other clients that cannot matter here. Throws std::invalid_argument, whose
/// message says what is wrong and never quotes a value.
RedisService parse_redis_uri(std::string_view text);

} // namespace ordercache
