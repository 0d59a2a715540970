#include "redis/server.hpp"

#include "base/signals.hpp"
#include "redis/hello.hpp"
#include "redis/reply_check.hpp"
#include "redis/sentinel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_connect_timeout = 2s;
constexpr std::chrono::milliseconds k_reply_timeout = 2s;
constexpr std::chrono::milliseconds k_pause_before_asking_again = 100ms;
constexpr std::chrono::milliseconds k_time_to_ask_again = 500ms;

bool change_nothing(const std::vector<RedisCommand>& commands) {
    return std::ranges::all_of(commands, [](const RedisCommand& command) {
        const std::string& name = command.front();
        return name == "GET" || name == "MGET" || name == "PTTL" || name == "SENTINEL";
    });
}

/// Redis 5 has passwords and no users: its AUTH takes one word.
bool knows_no_users(const RedisCommand& command, const RedisReply& reply) {
    return command.front() == "AUTH" && command.size() == 3 &&
           reply.kind == RedisReply::Kind::error &&
           reply.text.starts_with("ERR wrong number of arguments");
}

/// A Sentinel knows few commands, and often has no password.
bool may_be_sentinels(const RedisReply& reply) {
    return reply.kind == RedisReply::Kind::error &&
           (reply.text.starts_with("ERR unknown command") || reply.text.starts_with("ERR AUTH"));
}

} // namespace

RedisServer::RedisServer(RedisService service, TimeLimit limit, WhenClosed when_closed,
                         Connect connect_to, std::chrono::milliseconds rest_after_failure)
    : m_service(std::move(service)), m_limit(limit), m_when_closed(when_closed),
      m_connect_to(std::move(connect_to)), m_rest_after_failure(rest_after_failure) {}

/// Returns until when connecting may last.
Deadline RedisServer::connect_deadline() const {
    return m_limit.deadline().or_in(m_service.connect_timeout.value_or(k_connect_timeout));
}

/// Returns until when a wait for the next reply may last.
Deadline RedisServer::next_deadline() const {
    return m_limit.deadline().or_in(m_service.reply_timeout.value_or(k_reply_timeout));
}

void RedisServer::connect(Deadline deadline) {
    if (m_failure && !m_failure->lasts_until.passed()) {
        throw CacheError(m_failure->error);
    }
    if (m_connection) {
        return;
    }
    try {
        if (!m_service.sentinels.empty()) {
            m_service = find_primary(m_service, m_connect_to, deadline);
        }
        m_connection.emplace(m_connect_to(m_service, deadline));
        m_connection->handshake_done = handshake().empty();
    } catch (const StreamError& error) {
        close_and_throw(fmt::format("cannot connect to {}: {}", m_service.name(), error.what()));
    } catch (const CacheError& error) {
        close_and_throw(error.what());
    }
}

/// Closes the connection if the act fails.
template <typename Act>
auto RedisServer::on_connection(const Act& act) {
    try {
        return act();
    } catch (const Interrupted&) {
        m_connection.reset(); // replies to these commands may still come
        throw;
    } catch (const StreamTimeout& error) {
        close_and_throw(fmt::format("lost {}: {}", m_service.name(), error.what()));
    } catch (const std::runtime_error& error) {
        const bool is_plain = m_service.transport == RedisService::Transport::tcp;
        close_and_throw(fmt::format(
            "lost {}: {}{}", m_service.name(), error.what(),
            is_plain && !m_connection->has_answered ? "; if it wants TLS, write rediss://" : ""));
    }
}

std::vector<RedisReply> RedisServer::run(const std::vector<RedisCommand>& commands,
                                         std::optional<Deadline> deadline) {
    if (!m_connection || !m_connection->is_sent_ahead) {
        leave_closed_connection();
    }
    const Deadline until = connect_deadline();
    for (;;) {
        connect(until);
        if (auto replies = attempt(commands, deadline)) {
            refuse_sentinel(*replies);
            return std::move(*replies);
        }
        leave_replica(until);
    }
}

/// Returns nullopt, and has changed nothing, if the server should be a primary and is a replica.
std::optional<RedisServer::Replies> RedisServer::attempt(const std::vector<RedisCommand>& commands,
                                                         std::optional<Deadline> deadline) {
    if (!m_connection->handshake_done) {
        if (change_nothing(commands)) {
            return shake_hands(commands, deadline);
        }
        if (!shake_hands({}, deadline)) {
            return std::nullopt;
        }
    }
    return exchange(commands, deadline);
}

void RedisServer::send_ahead(const std::vector<RedisCommand>& commands,
                             std::optional<Deadline> deadline) {
    if (!change_nothing(commands)) {
        return;
    }
    leave_closed_connection();
    connect();
    auto all = m_connection->handshake_done ? std::vector<RedisCommand>() : handshake();
    std::ranges::copy(commands, std::back_inserter(all));
    on_connection([&] { write(all, deadline); });
    m_connection->is_sent_ahead = true;
}

void RedisServer::forget_sent() {
    if (m_connection && m_connection->is_sent_ahead) {
        m_connection.reset();
    }
}

/// Sends the commands behind the handshake in one write. A server that refuses the handshake runs
/// them all the same, as another user or in another database.
std::optional<RedisServer::Replies>
RedisServer::shake_hands(const std::vector<RedisCommand>& commands,
                         std::optional<Deadline> deadline) {
    auto all = handshake();
    const std::size_t first = all.size();
    std::ranges::copy(commands, std::back_inserter(all));
    auto replies = exchange(all, deadline);
    for (std::size_t i = 0; i < first; ++i) {
        if (knows_no_users(all[i], replies[i])) {
            m_service.user.clear();
            return shake_hands(commands, deadline);
        }
        if (is_replicas(field_of_hello(replies[i], "role"))) {
            return std::nullopt;
        }
        if (replies[i].kind == RedisReply::Kind::error && all[i] != hello()) {
            refuse_sentinel(replies);
            close_and_throw(refusal(m_service, all[i].front(), replies[i].text).what());
        }
    }
    m_connection->handshake_done = true;
    replies.erase(replies.begin(), replies.begin() + static_cast<std::ptrdiff_t>(first));
    return replies;
}

/// Between commands no reply is pending: readable data, or the connection's end, means that the
/// connection is of no more use.
void RedisServer::leave_closed_connection() {
    if (!m_connection || m_connection->stream->is_silent()) {
        return;
    }
    if (m_when_closed == WhenClosed::fail) {
        close_and_throw(fmt::format("lost {}: the connection was closed", m_service.name()));
    }
    m_connection.reset();
}

std::vector<RedisCommand> RedisServer::handshake() const {
    std::vector<RedisCommand> commands;
    if (!m_service.user.empty()) {
        commands.push_back({"AUTH", m_service.user, m_service.password});
    } else if (!m_service.password.empty()) {
        commands.push_back({"AUTH", m_service.password});
    }
    if (m_service.database != 0) {
        commands.push_back({"SELECT", std::to_string(m_service.database)});
    }
    if (!m_service.sentinels.empty()) {
        commands.push_back(hello());
    }
    return commands;
}

void RedisServer::leave_replica(Deadline deadline) {
    if (deadline.left().value_or(k_time_to_ask_again) < k_time_to_ask_again) {
        close_and_throw(
            fmt::format("{} is a replica, though its Sentinels name it as the primary: try again",
                        m_service.name()));
    }
    m_connection.reset();
    pause_for(k_pause_before_asking_again);
}

/// Throws if the replies are a Sentinel's and the URI does not say that it names one.
void RedisServer::refuse_sentinel(const Replies& replies) {
    if (m_service.is_sentinel || std::ranges::none_of(replies, may_be_sentinels)) {
        return;
    }
    if (field_of_hello(exchange({hello()}, std::nullopt).front(), "mode") == "sentinel") {
        const bool is_tls = m_service.transport == RedisService::Transport::tls;
        close_and_throw(fmt::format("{}: it is a Sentinel: write {}+sentinel://{}/NAME, with the "
                                    "name that it has for the service, into REDIS_SERVICE_URI",
                                    m_service.name(), is_tls ? "rediss" : "redis",
                                    m_service.peer()));
    }
}

std::vector<RedisReply> RedisServer::exchange(const std::vector<RedisCommand>& commands,
                                              std::optional<Deadline> deadline) {
    return on_connection([&] {
        if (!std::exchange(m_connection->is_sent_ahead, false)) {
            write(commands, deadline);
        }
        return read_replies(commands.size(), deadline);
    });
}

void RedisServer::write(const std::vector<RedisCommand>& commands,
                        std::optional<Deadline> deadline) {
    const Deadline until = deadline.value_or(next_deadline());
    if (until.passed()) {
        throw StreamTimeout();
    }
    std::string bytes;
    for (const RedisCommand& command : commands) {
        bytes += format_command(command);
    }
    m_connection->stream->write(bytes, until);
}

std::vector<RedisReply> RedisServer::read_replies(std::size_t wanted,
                                                  std::optional<Deadline> deadline) {
    std::vector<RedisReply> replies;
    std::array<char, 16384> buffer;
    Deadline until = deadline.value_or(next_deadline());
    while (replies.size() < wanted) {
        if (auto reply = m_connection->reader.next()) {
            replies.push_back(std::move(*reply));
            m_connection->has_answered = true;
            until = deadline.value_or(next_deadline());
        } else {
            // A server that always has more bytes ready is never waited for.
            throw_if_signalled();
            const std::size_t received = m_connection->stream->read(buffer, until);
            m_connection->reader.feed({buffer.data(), received});
        }
    }
    if (m_connection->reader.has_more()) {
        throw std::runtime_error("it sent more than it was asked for");
    }
    return replies;
}

void RedisServer::close_and_throw(const std::string& reason) {
    m_connection.reset();
    m_failure = {CacheError(reason), Deadline::in(m_rest_after_failure)};
    throw CacheError(m_failure->error);
}

} // namespace ordercache
