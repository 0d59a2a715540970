#pragma once

#include "base/waiting.hpp"
#include "redis/reply_reader.hpp"
#include "redis/uri.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace ordercache {

/// For how long a server that failed is left alone: a program that has much to ask would else wait
/// for it each time.
inline constexpr std::chrono::milliseconds k_rest_after_failure{5000};

/// What becomes of the next command where the server closed the connection while nothing was in
/// flight, as one with a `timeout` does, or one that was restarted.
enum class WhenClosed {
    reconnect, ///< It goes over a new connection.
    fail       ///< It fails: the server may not have what it was told before.
};

/// One Redis server. A failure throws CacheError, and is the answer to all that is asked for a
/// while.
class RedisServer {
public:
    virtual ~RedisServer() = default;

    virtual const RedisService& service() const = 0;

    /// Connects, unless that has been done.
    virtual void connect() = 0;

    /// Sends the commands in one write and gives a reply to each. An error reply is given, not
    /// thrown. Waits for each as long as the service's and the user's limits allow, or for all
    /// until `deadline` if one is given.
    virtual std::vector<RedisReply> run(const std::vector<RedisCommand>& commands,
                                        std::optional<Deadline> deadline) = 0;
};

} // namespace ordercache
