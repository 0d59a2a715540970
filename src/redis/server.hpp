#pragma once

#include "base/error.hpp"
#include "base/waiting.hpp"
#include "redis/reply_reader.hpp"
#include "redis/stream.hpp"
#include "redis/uri.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ordercache {

/// What a command does if the server closed the connection between commands, as one with a
/// `timeout` does, or one that was restarted.
enum class WhenClosed {
    reconnect, ///< It uses a new connection.
    fail       ///< It fails: the server may have forgotten what it was told.
};

/// One Redis server, over one connection. A failure throws CacheError. All commands fail with it
/// for a while, so that a batch does not wait for the server at each command.
class RedisServer {
public:
    /// connect_stream(). Tests replace it.
    using Connect = std::function<std::unique_ptr<Stream>(const RedisService&, Deadline)>;

    static constexpr std::chrono::milliseconds k_rest_after_failure{5000};

    RedisServer(RedisService service, TimeLimit limit,
                WhenClosed when_closed = WhenClosed::reconnect, Connect connect_to = connect_stream,
                std::chrono::milliseconds rest_after_failure = k_rest_after_failure);

    const RedisService& service() const { return m_service; }

    /// Connects, unless it is connected. If the service names Sentinels, asks them for the primary.
    void connect() { connect(connect_deadline()); }

    /// Sends the commands in one write and returns a reply to each. An error reply is returned, not
    /// thrown. Waits for each reply as long as the service's and the user's limits allow, or, with
    /// a `deadline`, for all until then. A primary that Sentinels have named must say that it is
    /// one: otherwise they are asked again, as long as connecting may last.
    std::vector<RedisReply> run(const std::vector<RedisCommand>& commands,
                                std::optional<Deadline> deadline);

    /// Sends ahead what the next run() is called with, so that several servers work at the same
    /// time. Call forget_sent() if that run() is not reached. Does nothing if a command changes
    /// something.
    void send_ahead(const std::vector<RedisCommand>& commands, std::optional<Deadline> deadline);

    void forget_sent();

private:
    struct Connection {
        explicit Connection(std::unique_ptr<Stream> opened) : stream(std::move(opened)) {}

        std::unique_ptr<Stream> stream;
        ReplyReader reader;
        bool handshake_done = false;
        bool has_answered = false;
        bool is_sent_ahead = false;
    };

    struct Failure {
        CacheError error;
        Deadline lasts_until;
    };

    using Replies = std::vector<RedisReply>;

    Deadline connect_deadline() const;
    Deadline next_deadline() const;
    void connect(Deadline deadline);
    std::optional<Replies> attempt(const std::vector<RedisCommand>& commands,
                                   std::optional<Deadline> deadline);
    std::optional<Replies> shake_hands(const std::vector<RedisCommand>& commands,
                                       std::optional<Deadline> deadline);
    std::vector<RedisCommand> handshake() const;
    void leave_replica(Deadline deadline);
    void refuse_sentinel(const Replies& replies);
    void leave_closed_connection();
    std::vector<RedisReply> exchange(const std::vector<RedisCommand>& commands,
                                     std::optional<Deadline> deadline);
    void write(const std::vector<RedisCommand>& commands, std::optional<Deadline> deadline);
    template <typename Act>
    auto on_connection(const Act& act);
    std::vector<RedisReply> read_replies(std::size_t wanted, std::optional<Deadline> deadline);
    [[noreturn]] void close_and_throw(const std::string& reason);

    RedisService m_service;
    TimeLimit m_limit;
    WhenClosed m_when_closed;
    Connect m_connect_to;
    std::optional<Connection> m_connection;
    std::chrono::milliseconds m_rest_after_failure;
    std::optional<Failure> m_failure; ///< The answer to all commands for a while.
};

} // namespace ordercache
