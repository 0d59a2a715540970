#pragma once

#include "base/error.hpp"
#include "base/waiting.hpp"
#include "redis/reply_reader.hpp"
#include "redis/stream.hpp"
#include "redis/uri.hpp"

#include <chrono>
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

/// How servers are spoken to. Commands set the first three, and tests the others.
struct RedisOptions {
    TimeLimit limit = TimeLimit::none();
    WhenClosed when_closed = WhenClosed::reconnect;

    /// How long redirections are followed, within the limit; with nullopt, the limit alone bounds
    /// it. A slot that is moving refuses commands of several keys until it has moved.
    std::optional<std::chrono::milliseconds> redirection_time = {};

    Connect connect_to = connect_stream;
    Pause pause = pause_for;
    std::chrono::milliseconds rest_after_failure{5000};
    std::chrono::milliseconds trust{1000};      ///< After this, a connection is asked its role.
    std::chrono::milliseconds most_idle{30000}; ///< After this, a silent connection is left.
};

/// One Redis server, over one connection. A failure throws CacheError. All commands fail with it
/// for a while, so that a batch does not wait for the server at each command.
///
/// A connection may lead to a server that is not the primary any more, or to nobody, since networks
/// forget a connection that says nothing. So an old one is asked for its role now and then, and
/// left for a new one, unless WhenClosed::fail makes that a failure.
class RedisServer {
public:
    RedisServer(RedisService service, RedisOptions options)
        : m_service(std::move(service)), m_options(std::move(options)) {}

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
        std::unique_ptr<Stream> stream;
        Deadline trusted_until; ///< When it is asked its role.
        Deadline fresh_until;   ///< When it is left, if it says nothing until then.
        ReplyReader reader = {};
        bool is_logged_in = false;
        bool is_new = true; ///< Until the run() after the one that made it.
        /// If commands were sent ahead, the handshake that went before them.
        std::optional<std::vector<RedisCommand>> sent_ahead = {};
    };

    struct Failure {
        CacheError error;
        Deadline lasts_until;
    };

    using Replies = std::vector<RedisReply>;

    static bool change_nothing(const std::vector<RedisCommand>& commands);
    /// Until when connecting may last, and a wait for the next reply.
    Deadline connect_deadline() const {
        return m_options.limit.deadline().or_in(m_service.connect_timeout);
    }
    Deadline next_deadline() const {
        return m_options.limit.deadline().or_in(m_service.reply_timeout);
    }

    void connect(Deadline deadline);
    std::optional<Replies> attempt(const std::vector<RedisCommand>& commands,
                                   std::optional<Deadline> deadline);
    std::optional<Replies> shake_hands(std::vector<RedisCommand> handshake,
                                       const std::vector<RedisCommand>& commands,
                                       std::optional<Deadline> deadline);
    std::vector<RedisCommand> handshake() const;
    bool has_moved() const;
    void leave_for_another(Deadline deadline);
    void refuse_sentinel(const Replies& replies);
    void leave_useless_connection();
    std::optional<Replies> exchange(const std::vector<RedisCommand>& commands,
                                    std::optional<Deadline> deadline);
    void write(const std::vector<RedisCommand>& commands, std::optional<Deadline> deadline);
    template <typename Act>
    auto on_connection(const Act& act);
    std::vector<RedisReply> read_replies(std::size_t wanted, std::optional<Deadline> deadline);
    [[noreturn]] void close_and_throw(const std::string& reason);

    RedisService m_service;
    RedisOptions m_options;
    std::optional<Connection> m_connection;
    bool m_has_answered = false;      ///< Ever, on any connection.
    std::optional<Failure> m_failure; ///< The answer to all commands for a while.
};

} // namespace ordercache
