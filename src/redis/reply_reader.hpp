#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;

namespace ordercache {

/// A command's name and its arguments. Each may hold any bytes.
using RedisCommand = std::vector<std::string>;

/// Returns the command in Redis's protocol.
std::string format_command(const RedisCommand& command);

struct RedisReply {
    enum class Kind { nil, text, integer, list, error };

    Kind kind = Kind::nil;
    std::string text; ///< Of a text or an error.
    std::int64_t integer = 0;
    std::vector<RedisReply> list;

    /// Returns whether it is an error whose text begins so.
    bool is_error(std::string_view beginning) const {
        return kind == Kind::error && text.starts_with(beginning);
    }
};

/// Turns the bytes that a server sends into replies. A reply of over a mebibyte is refused: this
/// program asks for none that large.
class ReplyReader {
public:
    ReplyReader();

    /// Takes the next bytes. Throws std::runtime_error, whose message says what is wrong, if they
    /// are not valid in Redis's protocol or make a reply too large.
    void feed(std::string_view bytes);

    /// Returns the next reply, or nullopt if more bytes are needed. Throws as feed() does.
    std::optional<RedisReply> next();

    /// Returns whether bytes have come after the last reply.
    bool has_more() const;

private:
    struct Free {
        void operator()(redisReader* reader) const;
    };

    std::unique_ptr<redisReader, Free> m_reader;
    std::size_t m_fed = 0; ///< The bytes of the reply that is being read.
};

} // namespace ordercache
