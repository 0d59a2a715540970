#include "redis/reply_reader.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace ordercache {

namespace {

constexpr std::int64_t k_longest_text = 1 << 20;
constexpr std::int64_t k_most_elements = 64 << 10;
constexpr std::size_t k_longest_line = 64 << 10;
constexpr std::size_t k_largest_reply = 16 << 20;

/// A list, and what hiredis 1 reads besides: a map, a set and a push.
constexpr std::string_view k_aggregates = "*%~>";

/// Follows the protocol's headers, for hiredis 0.14 makes room for whatever a header claims.
class Bounds {
public:
    void check(std::string_view bytes) {
        m_size += bytes.size();
        require(m_size <= k_largest_reply);
        while (!bytes.empty()) {
            bytes.remove_prefix(m_payload > 0 ? skip_payload(bytes) : read_line(bytes));
        }
    }

    void begin_reply() {
        m_size = 0;
        m_elements = 0;
    }

private:
    static void require(bool in_bounds) {
        if (!in_bounds) {
            throw std::runtime_error("the reply is too large");
        }
    }

    std::size_t skip_payload(std::string_view bytes) {
        const std::size_t skipped = std::min(m_payload, bytes.size());
        m_payload -= skipped;
        return skipped;
    }

    std::size_t read_line(std::string_view bytes) {
        const std::size_t end = bytes.find('\n');
        const std::size_t length = end == std::string_view::npos ? bytes.size() : end + 1;
        m_line.append(bytes.substr(0, length));
        require(m_line.size() <= k_longest_line);
        if (m_line.ends_with("\r\n")) { // a bare LF ends nothing for hiredis either
            check_header();
            m_line.clear();
        }
        return length;
    }

    void check_header() {
        std::int64_t number = -1;
        std::from_chars(m_line.data() + 1, m_line.data() + m_line.size(), number);
        if (k_aggregates.find(m_line.front()) != std::string_view::npos) {
            m_elements += std::clamp<std::int64_t>(number, 0, k_most_elements + 1);
            require(m_elements <= k_most_elements);
        } else if (m_line.front() == '$') {
            require(number <= k_longest_text);
            constexpr std::int64_t line_end = 2;
            m_payload = number < 0 ? 0 : static_cast<std::size_t>(number + line_end);
        }
    }

    std::string m_line;
    std::size_t m_payload = 0;
    std::size_t m_size = 0;
    std::int64_t m_elements = 0;
};

RedisReply to_reply(const redisReply& raw) {
    RedisReply reply;
    switch (raw.type) {
    case REDIS_REPLY_INTEGER:
        reply.kind = RedisReply::Kind::integer;
        reply.integer = raw.integer;
        break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        reply.kind = RedisReply::Kind::text;
        reply.text.assign(raw.str, raw.len);
        break;
    case REDIS_REPLY_ERROR:
        reply.kind = RedisReply::Kind::error;
        reply.text.assign(raw.str, raw.len);
        break;
    case REDIS_REPLY_ARRAY:
        reply.kind = RedisReply::Kind::list;
        reply.list.reserve(raw.elements);
        std::transform(raw.element, raw.element + raw.elements, std::back_inserter(reply.list),
                       [](const redisReply* element) { return to_reply(*element); });
        break;
    default:
        break;
    }
    return reply;
}

} // namespace

std::string format_command(const RedisCommand& command) {
    std::string wire = '*' + std::to_string(command.size()) + "\r\n";
    for (const std::string& argument : command) {
        wire += '$' + std::to_string(argument.size()) + "\r\n";
        wire += argument;
        wire += "\r\n";
    }
    return wire;
}

struct ReplyReader::State {
    std::unique_ptr<redisReader, decltype(&redisReaderFree)> reader{redisReaderCreate(),
                                                                    &redisReaderFree};
    Bounds bounds;
};

ReplyReader::ReplyReader() : m_state(std::make_unique<State>()) {}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(std::string_view bytes) {
    m_state->bounds.check(bytes);
    if (redisReaderFeed(m_state->reader.get(), bytes.data(), bytes.size()) != REDIS_OK) {
        throw std::runtime_error(m_state->reader->errstr);
    }
}

std::optional<RedisReply> ReplyReader::next() {
    void* raw = nullptr;
    if (redisReaderGetReply(m_state->reader.get(), &raw) != REDIS_OK) {
        throw std::runtime_error(m_state->reader->errstr);
    }
    if (raw == nullptr) {
        return std::nullopt;
    }
    const std::unique_ptr<void, decltype(&freeReplyObject)> owned(raw, &freeReplyObject);
    m_state->bounds.begin_reply();
    return to_reply(*static_cast<const redisReply*>(raw));
}

} // namespace ordercache
