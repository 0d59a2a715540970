#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// A command's name and its arguments, each of any bytes.
using RedisCommand = std::vector<std::string>;

/// The command as Redis's protocol has it on the wire.
std::string format_command(const RedisCommand& command);

struct RedisReply {
    enum class Kind { nil, text, integer, list, error };

    Kind kind = Kind::nil;
    std::string text; ///< A text's or an error's.
    std::int64_t integer = 0;
    std::vector<RedisReply> list;
};

/// Turns what a server sends into replies. One of over a mebibyte is refused: it is larger than any
/// that this program asks for.
class ReplyReader {
public:
    ReplyReader();
    ~ReplyReader();

    /// Takes the next bytes. Throws std::runtime_error, whose message says what is wrong, where
    /// they are not Redis's protocol or make a reply too large.
    void feed(std::string_view bytes);

    /// The next reply; absent: more bytes are needed. Throws as `feed` does.
    std::optional<RedisReply> next();

    /// Whether bytes have come beyond the replies that were given.
    bool has_more() const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace ordercache
