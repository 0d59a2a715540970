#include "redis/server.hpp"

#include "base/signals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace ordercache {

namespace {

constexpr auto k_that_change_nothing = std::to_array<std::string_view>(
    {"GET", "MGET", "PTTL", "EXISTS", "SCAN", "AUTH", "SELECT", "HELLO", "CLUSTER", "SENTINEL"});

} // namespace

bool RedisServer::change_nothing(const std::vector<RedisCommand>& commands) {
    return std::ranges::all_of(commands, [](const RedisCommand& command) {
        return std::ranges::find(k_that_change_nothing, command.front()) !=
               k_that_change_nothing.end();
    });
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
        const bool may_want_tls =
            m_service.transport == RedisService::Transport::tcp && !m_has_answered;
        close_and_throw(fmt::format(
            "lost {}: {}{}", m_service.name(), error.what(),
            may_want_tls ? "; if it wants TLS, begin REDIS_SERVICE_URI with rediss" : ""));
    }
}

void RedisServer::send_ahead(const std::vector<RedisCommand>& commands,
                             std::optional<Deadline> deadline) {
    if (!change_nothing(commands)) {
        return;
    }
    leave_useless_connection();
    connect();
    const auto before = handshake();
    auto all = before;
    std::ranges::copy(commands, std::back_inserter(all));
    on_connection([&] { write(all, deadline); });
    m_connection->sent_ahead = before;
}

void RedisServer::forget_sent() {
    if (m_connection && m_connection->sent_ahead) {
        m_connection.reset();
    }
}

/// Returns nullopt if an old connection was lost over commands that change nothing: they may be
/// sent again.
std::optional<RedisServer::Replies> RedisServer::exchange(const std::vector<RedisCommand>& commands,
                                                          std::optional<Deadline> deadline) {
    const bool may_repeat = !m_connection->is_new &&
                            m_options.when_closed == WhenClosed::reconnect &&
                            change_nothing(commands);
    return on_connection([&]() -> std::optional<Replies> {
        try {
            if (!std::exchange(m_connection->sent_ahead, std::nullopt)) {
                write(commands, deadline);
            }
            return read_replies(commands.size(), deadline);
        } catch (const StreamError&) {
            if (may_repeat) {
                return std::nullopt;
            }
            throw;
        }
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
            m_has_answered = true;
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
    m_connection->fresh_until = Deadline::in(m_options.most_idle);
    return replies;
}

} // namespace ordercache
