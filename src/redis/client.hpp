#pragma once

#include "base/error.hpp"
#include "base/waiting.hpp"
#include "redis/reply_reader.hpp"
#include "redis/stream.hpp"
#include "redis/uri.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// A conversation with one Redis server. Every failure throws CacheError and ends it for good:
/// what was asked last may have been done.
class RedisClient {
public:
    RedisClient(RedisService service, TimeLimit limit);

    const RedisService& service() const { return m_service; }

    /// Connects, unless that has been done.
    void connect();

    /// Connects if need be, sends the commands in one write, with the password and the database
    /// before the first, and gives a reply to each. An error reply is given, not thrown. Waits for
    /// each as long as the service's and the user's limits allow, or for all until `deadline` if
    /// one is given.
    std::vector<RedisReply> run(const std::vector<RedisCommand>& commands,
                                std::optional<Deadline> deadline = std::nullopt);

    /// What an error reply to `command` means, in a sentence.
    CacheError refusal(std::string_view command, const std::string& error_text) const;

private:
    struct Conversation {
        std::unique_ptr<Stream> stream;
        ReplyReader reader;
        bool greeted = false;
    };

    std::vector<RedisCommand> greeting() const;
    Deadline next_deadline() const;
    std::vector<RedisReply> converse(const std::vector<RedisCommand>& commands,
                                     std::optional<Deadline> deadline);
    void write(const std::vector<RedisCommand>& commands, Deadline deadline);
    std::vector<RedisReply> read_replies(std::size_t wanted, std::optional<Deadline> deadline);
    CacheError failure(const std::string& what);

    RedisService m_service;
    TimeLimit m_limit;
    std::optional<Conversation> m_conversation;
    std::optional<CacheError> m_failure;
};

} // namespace ordercache
