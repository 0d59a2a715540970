#pragma once

#include "base/error.hpp"
#include "base/waiting.hpp"
#include "redis/reply_reader.hpp"
#include "redis/server.hpp"
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

/// A Redis server over one connection.
class RedisClient : public RedisServer {
public:
    using Connect = std::function<std::unique_ptr<Stream>(const RedisService&, Deadline)>;

    RedisClient(RedisService service, TimeLimit limit,
                WhenClosed when_closed = WhenClosed::reconnect, Connect connect_to = connect_stream,
                std::chrono::milliseconds rest_after_failure = k_rest_after_failure);

    const RedisService& service() const override { return m_service; }
    void connect() override;
    std::vector<RedisReply> run(const std::vector<RedisCommand>& commands,
                                std::optional<Deadline> deadline) override;

private:
    struct Connection {
        explicit Connection(std::unique_ptr<Stream> opened) : stream(std::move(opened)) {}

        std::unique_ptr<Stream> stream;
        ReplyReader reader;
        bool handshake_done = false;
        bool has_answered = false;
    };

    struct Failure {
        CacheError error;
        Deadline lasts_until;
    };

    std::vector<RedisReply> shake_hands(const std::vector<RedisCommand>& commands,
                                        std::optional<Deadline> deadline);
    std::vector<RedisCommand> handshake() const;
    Deadline next_deadline() const;
    void leave_closed_connection();
    std::vector<RedisReply> exchange(const std::vector<RedisCommand>& commands,
                                     std::optional<Deadline> deadline);
    void write(const std::vector<RedisCommand>& commands, Deadline deadline);
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
