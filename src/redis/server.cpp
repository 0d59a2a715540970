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

constexpr std::chrono::milliseconds k_pause_before_asking_again = 100ms;
constexpr std::chrono::milliseconds k_time_to_ask_again = 500ms;

/// Redis 5 has passwords and no users: its AUTH takes one word.
bool knows_no_users(const RedisCommand& command, const RedisReply& reply) {
    return command.front() == "AUTH" && command.size() == 3 &&
           reply.is_error("ERR wrong number of arguments");
}

/// The replicas of a cluster send everybody to their primaries.
bool is_wrong_server(const RedisReply& reply_to_hello) {
    return is_replica(field_of_hello(reply_to_hello, "role")) &&
           field_of_hello(reply_to_hello, "mode") != "cluster";
}

/// A Sentinel knows few commands, and often has no password.
bool may_be_sentinels(const RedisReply& reply) {
    return reply.is_error("ERR unknown command") || reply.is_error("ERR AUTH");
}

} // namespace

void RedisServer::connect(Deadline deadline) {
    if (m_failure && !m_failure->lasts_until.passed()) {
        throw CacheError(m_failure->error);
    }
    if (m_connection) {
        return;
    }
    try {
        if (!m_service.sentinels.empty()) {
            m_service = find_primary(m_service, m_options.connect_to, deadline);
        }
        if (m_service.current_password) {
            m_service.password = m_service.current_password(deadline);
        }
        const auto trust = m_service.sentinels.empty() ? m_options.trust : 0ms;
        m_connection = Connection{.stream = m_options.connect_to(m_service, deadline),
                                  .trusted_until = Deadline::in(trust),
                                  .fresh_until = Deadline::in(m_options.most_idle)};
    } catch (const StreamError& error) {
        close_and_throw(fmt::format("cannot connect to {}: {}", m_service.name(), error.what()));
    } catch (const CacheError& error) {
        close_and_throw(error.what());
    }
}

std::vector<RedisReply> RedisServer::run(const std::vector<RedisCommand>& commands,
                                         std::optional<Deadline> deadline) {
    leave_useless_connection();
    const Deadline until = connect_deadline();
    for (;;) {
        connect(until);
        if (auto replies = attempt(commands, deadline)) {
            refuse_sentinel(*replies);
            if (std::ranges::any_of(*replies,
                                    [](auto& reply) { return reply.is_error("READONLY"); })) {
                m_connection.reset(); // the next one may lead to the primary
            }
            return std::move(*replies);
        }
        leave_for_another(until);
    }
}

/// Returns nullopt, and has changed nothing, if the server should be a primary and is a replica, or
/// if an old connection was lost.
std::optional<RedisServer::Replies> RedisServer::attempt(const std::vector<RedisCommand>& commands,
                                                         std::optional<Deadline> deadline) {
    const auto before = m_connection->sent_ahead.value_or(handshake());
    if (before.empty() || change_nothing(commands)) {
        return shake_hands(before, commands, deadline);
    }
    return shake_hands(before, {}, deadline) ? exchange(commands, deadline) : std::nullopt;
}

/// Sends the commands behind the handshake in one write. A server that refuses the handshake runs
/// them all the same, as another user or in another database.
std::optional<RedisServer::Replies>
RedisServer::shake_hands(std::vector<RedisCommand> handshake,
                         const std::vector<RedisCommand>& commands,
                         std::optional<Deadline> deadline) {
    const std::size_t first = handshake.size();
    auto all = std::move(handshake);
    std::ranges::copy(commands, std::back_inserter(all));
    auto replies = exchange(all, deadline);
    for (std::size_t i = 0; replies && i < first; ++i) {
        const RedisReply& reply = replies->at(i);
        if (knows_no_users(all[i], reply)) {
            m_service.user.clear();
            return attempt(commands, deadline);
        }
        if (is_wrong_server(reply)) {
            return std::nullopt;
        }
        if (all[i] == hello()) {
            m_connection->trusted_until = Deadline::in(m_options.trust);
        } else if (reply.kind == RedisReply::Kind::error) {
            refuse_sentinel(*replies);
            close_and_throw(refusal(m_service, all[i].front(), reply.text).what());
        }
    }
    if (replies) {
        m_connection->is_logged_in = true;
        replies->erase(replies->begin(), replies->begin() + static_cast<std::ptrdiff_t>(first));
    }
    return replies;
}

/// Between commands no reply is pending: readable data, or the connection's end, means that the
/// connection is of no more use.
void RedisServer::leave_useless_connection() {
    if (!m_connection || m_connection->sent_ahead) {
        return;
    }
    m_connection->is_new = false;
    const bool is_closed = !m_connection->stream->is_silent();
    const bool may_fail = m_options.when_closed == WhenClosed::fail;
    if (may_fail && (is_closed || has_moved())) {
        close_and_throw(fmt::format("lost {}: {}", m_service.name(),
                                    is_closed ? "the connection was closed"
                                              : "its Sentinels name another primary"));
    }
    if (!may_fail && (is_closed || m_connection->fresh_until.passed() || has_moved())) {
        m_connection.reset();
    }
}

/// Returns whether the Sentinels, if there are any and their turn has come, name another primary.
/// If none of them answers, the connection may be as good as ever.
bool RedisServer::has_moved() const {
    if (m_service.sentinels.empty() || !m_connection->is_logged_in ||
        !m_connection->trusted_until.passed()) {
        return false;
    }
    try {
        return find_primary(m_service, m_options.connect_to, connect_deadline().halfway()).peer() !=
               m_service.peer();
    } catch (const CacheError&) {
        return false;
    }
}

std::vector<RedisCommand> RedisServer::handshake() const {
    std::vector<RedisCommand> commands;
    const bool is_known = m_connection->is_logged_in;
    if (!is_known && !m_service.user.empty()) {
        commands.push_back({"AUTH", m_service.user, m_service.password});
    } else if (!is_known && !m_service.password.empty()) {
        commands.push_back({"AUTH", m_service.password});
    }
    if (!is_known && m_service.database != 0) {
        commands.push_back({"SELECT", std::to_string(m_service.database)});
    }
    if (m_connection->trusted_until.passed()) {
        commands.push_back(hello());
    }
    return commands;
}

/// The server has turned out to be a replica, or an old connection to be dead.
void RedisServer::leave_for_another(Deadline deadline) {
    if (!m_connection->is_new) {
        if (m_options.when_closed == WhenClosed::fail) {
            close_and_throw(fmt::format("lost {}: it is a replica now", m_service.name()));
        }
        m_connection.reset();
        return;
    }
    if (deadline.left().value_or(k_time_to_ask_again) < k_time_to_ask_again) {
        close_and_throw(
            fmt::format("{} is a replica, though its Sentinels name it as the primary: try again",
                        m_service.name()));
    }
    m_connection.reset();
    m_options.pause(k_pause_before_asking_again);
}

/// Throws if the replies are a Sentinel's and the URI does not say that it names one.
void RedisServer::refuse_sentinel(const Replies& replies) {
    if (m_service.is_sentinel || std::ranges::none_of(replies, may_be_sentinels)) {
        return;
    }
    const auto reply = exchange({hello()}, std::nullopt);
    if (reply && field_of_hello(reply->front(), "mode") == "sentinel") {
        const bool is_tls = m_service.transport == RedisService::Transport::tls;
        close_and_throw(fmt::format("{}: it is a Sentinel: write {}+sentinel://{}/NAME, with the "
                                    "name that it has for the service, into REDIS_SERVICE_URI",
                                    m_service.name(), is_tls ? "rediss" : "redis",
                                    m_service.peer()));
    }
}

void RedisServer::close_and_throw(const std::string& reason) {
    m_connection.reset();
    m_failure = {CacheError(reason), Deadline::in(m_options.rest_after_failure)};
    throw CacheError(m_failure->error);
}

} // namespace ordercache
