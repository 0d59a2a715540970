#pragma once

#include "base/waiting.hpp"
#include "redis/reply_reader.hpp"
#include "redis/uri.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace ordercache {

/// How long a server that failed is left alone, so that a batch does not wait for it at each
/// command.
inline constexpr std::chrono::milliseconds k_rest_after_failure{5000};

/// What a command does if the server closed the connection between commands, as one with a
/// `timeout` does, or one that was restarted.
enum class WhenClosed {
    reconnect, ///< It uses a new connection.
    fail       ///< It fails: the server may have forgotten what it was told.
};

/// One Redis server. A failure throws CacheError, and all commands fail with it for a while.
class RedisServer {
public:
    virtual ~RedisServer() = default;

    virtual const RedisService& service() const = 0;

    /// Connects, unless it is connected.
    virtual void connect() = 0;

    /// Sends the commands in one write and returns a reply to each. An error reply is returned, not
    /// thrown. Waits for each reply as long as the service's and the user's limits allow, or, with
    /// a `deadline`, for all until then.
    virtual std::vector<RedisReply> run(const std::vector<RedisCommand>& commands,
                                        std::optional<Deadline> deadline) = 0;
};

} // namespace ordercache
