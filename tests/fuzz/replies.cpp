// What a Redis server sends: read the same however it is cut into pieces, and within bounds; and a
// command on the wire is read back as it was.

#include "redis/reply_reader.hpp"

#include "base/uri.hpp"
#include "fuzzing.hpp"

#include <algorithm>
#include <stdexcept>

namespace {

using namespace ordercache;

constexpr std::size_t k_most_elements = 64 << 10;

struct Conversation {
    std::vector<RedisReply> replies;
    bool failed = false;
};

Conversation read_in_pieces(std::string_view bytes, std::size_t piece) {
    Conversation conversation;
    ReplyReader reader;
    try {
        while (!bytes.empty()) {
            reader.feed(bytes.substr(0, piece));
            bytes.remove_prefix(std::min(piece, bytes.size()));
            while (auto reply = reader.next()) {
                conversation.replies.push_back(std::move(*reply));
            }
        }
    } catch (const std::runtime_error& error) {
        require(!std::string_view(error.what()).empty(), "a failure says why");
        conversation.failed = true;
    }
    return conversation;
}

bool same(const RedisReply& a, const RedisReply& b) {
    return a.kind == b.kind && a.text == b.text && a.integer == b.integer &&
           std::ranges::equal(a.list, b.list, same);
}

std::size_t elements(const RedisReply& reply) {
    std::size_t count = reply.list.size();
    for (const RedisReply& element : reply.list) {
        count += elements(element);
    }
    return count;
}

void check_pieces(std::string_view bytes, std::size_t piece) {
    const Conversation whole = read_in_pieces(bytes, bytes.size());
    const Conversation pieces = read_in_pieces(bytes, piece);
    require(whole.failed == pieces.failed, "pieces fail where the whole does");
    require(whole.failed || std::ranges::equal(whole.replies, pieces.replies, same),
            "pieces are read as the whole is");
    for (const RedisReply& reply : pieces.replies) {
        require(reply.text.size() <= bytes.size(), "a text has come");
        require(elements(reply) <= k_most_elements, "a list is bounded");
    }
}

void check_command(std::string_view bytes) {
    const auto arguments = split(bytes, ' ');
    const RedisCommand command(arguments.begin(), arguments.end());
    const std::string wire = format_command(command);
    const Conversation read = read_in_pieces(wire, wire.size());
    require(read.replies.size() == 1, "a command is one list");
    require(std::ranges::equal(read.replies[0].list, command, {}, &RedisReply::text),
            "a command is read back as it was");
}

} // namespace

FUZZER(input) {
    if (!input.empty()) {
        check_pieces(input.substr(1), 1 + static_cast<unsigned char>(input.front()) % 16U);
        check_command(input);
    }
}
