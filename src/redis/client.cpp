#include "redis/client.hpp"

#include "base/signals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_connect_timeout = 2s;
constexpr std::chrono::milliseconds k_reply_timeout = 2s;

struct Meaning {
    std::string_view code;
    std::string_view sentence;
};

constexpr std::array k_meanings = {
    Meaning{"NOAUTH", "it wants a password: write one into REDIS_SERVICE_URI"},
    Meaning{"WRONGPASS", "the user or the password in REDIS_SERVICE_URI is wrong"},
    Meaning{"NOPERM", "the user in REDIS_SERVICE_URI may not do that: grant it by ACL SETUSER"},
    Meaning{"READONLY", "it is a replica: name the primary in REDIS_SERVICE_URI"},
    Meaning{"LOADING", "it is still loading its data: try again"},
    Meaning{"BUSY", "it is busy with a script: try again"},
    Meaning{"OOM", "its memory is full: raise maxmemory, or choose an evicting maxmemory-policy"},
    Meaning{"MASTERDOWN", "it is a replica that has lost its primary: name the primary"},
    Meaning{"CLUSTERDOWN", "the cluster is down: try again"},
    Meaning{"MOVED", "the cluster's nodes do not agree who has the key: try again"},
    Meaning{"ASK", "the key is on its way to another node of the cluster: try again"},
    Meaning{"TRYAGAIN", "the key is on its way to another node of the cluster: try again"},
    Meaning{"MISCONF", "it cannot save to disk and takes no writes: see its log"},
};

std::string_view code_of(std::string_view error_text) {
    return error_text.substr(0, error_text.find(' '));
}

std::string without(std::string text, const std::string& secret) {
    if (secret.empty()) {
        return text;
    }
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
        text.replace(at, secret.size(), "***");
        at += 3;
    }
    return text;
}

} // namespace

RedisClient::RedisClient(RedisService service, TimeLimit limit)
    : m_service(std::move(service)), m_limit(limit) {}

void RedisClient::connect() {
    if (m_failure) {
        throw CacheError(*m_failure);
    }
    if (m_conversation) {
        return;
    }
    const auto timeout = m_service.connect_timeout.value_or(k_connect_timeout);
    try {
        m_conversation.emplace(connect_stream(m_service, m_limit.deadline().or_in(timeout)));
    } catch (const StreamError& error) {
        throw failure(
            fmt::format("cannot connect to Redis at {}: {}", m_service.peer(), error.what()));
    }
}

std::vector<RedisReply> RedisClient::run(const std::vector<RedisCommand>& commands,
                                         std::optional<Deadline> deadline) {
    connect();
    if (m_conversation->greeted) {
        return converse(commands, deadline);
    }

    auto all = greeting();
    const auto greetings = static_cast<std::ptrdiff_t>(all.size());
    std::ranges::copy(commands, std::back_inserter(all));
    auto replies = converse(all, deadline);
    for (std::ptrdiff_t i = 0; i < greetings; ++i) {
        const auto& reply = replies[static_cast<std::size_t>(i)];
        if (reply.kind == RedisReply::Kind::error) {
            throw failure(refusal(all[static_cast<std::size_t>(i)].front(), reply.text).what());
        }
    }
    m_conversation->greeted = true;
    replies.erase(replies.begin(), replies.begin() + greetings);
    return replies;
}

CacheError RedisClient::refusal(std::string_view command, const std::string& error_text) const {
    const auto meaning = std::ranges::find(k_meanings, code_of(error_text), &Meaning::code);
    return CacheError(fmt::format("Redis at {} refused {}: {}", m_service.peer(), command,
                                  meaning != k_meanings.end()
                                      ? std::string(meaning->sentence)
                                      : without(error_text, m_service.password)));
}

std::vector<RedisCommand> RedisClient::greeting() const {
    std::vector<RedisCommand> greeting;
    if (!m_service.user.empty() || !m_service.password.empty()) {
        RedisCommand auth = {"AUTH", m_service.password};
        if (!m_service.user.empty()) {
            auth.insert(auth.begin() + 1, m_service.user);
        }
        greeting.push_back(std::move(auth));
    }
    if (m_service.database != 0) {
        greeting.push_back({"SELECT", std::to_string(m_service.database)});
    }
    return greeting;
}

/// Until when a wait for the next reply may last.
Deadline RedisClient::next_deadline() const {
    return m_limit.deadline().or_in(m_service.reply_timeout.value_or(k_reply_timeout));
}

std::vector<RedisReply> RedisClient::converse(const std::vector<RedisCommand>& commands,
                                              std::optional<Deadline> deadline) {
    try {
        write(commands, deadline.value_or(next_deadline()));
        return read_replies(commands.size(), deadline);
    } catch (const Interrupted&) {
        m_conversation.reset(); // replies may still come; what is asked next is asked anew
        throw;
    } catch (const std::runtime_error& error) {
        throw failure(fmt::format("lost Redis at {}: {}", m_service.peer(), error.what()));
    }
}

void RedisClient::write(const std::vector<RedisCommand>& commands, Deadline deadline) {
    std::string bytes;
    for (const RedisCommand& command : commands) {
        bytes += format_command(command);
    }
    m_conversation->stream->write(bytes, deadline);
}

std::vector<RedisReply> RedisClient::read_replies(std::size_t wanted,
                                                  std::optional<Deadline> deadline) {
    std::vector<RedisReply> replies;
    std::array<char, 16384> buffer;
    Deadline until = deadline.value_or(next_deadline());
    for (;;) {
        while (auto reply = m_conversation->reader.next()) {
            replies.push_back(std::move(*reply));
            until = deadline.value_or(next_deadline());
        }
        if (replies.size() >= wanted) {
            return replies;
        }
        const std::size_t received = m_conversation->stream->read(buffer, until);
        m_conversation->reader.feed({buffer.data(), received});
    }
}

CacheError RedisClient::failure(const std::string& what) {
    m_conversation.reset();
    m_failure = CacheError(what);
    return *m_failure;
}

} // namespace ordercache
