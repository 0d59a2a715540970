// What a Redis server sends: read the same however it is cut into pieces, and no more than has
// come; and a command on the wire is read back as it was.

#include "redis/reply_reader.hpp"

#include "base/uri.hpp"
#include "fuzzing.hpp"

#include <algorithm>
#include <stdexcept>

namespace {

using namespace ordercache;

struct Reading {
    std::vector<RedisReply> replies;
    bool failed = false;
};

Reading read_in_pieces(std::string_view bytes, std::size_t piece) {
    Reading reading;
    ReplyReader reader;
    try {
        while (!bytes.empty()) {
            reader.feed(bytes.substr(0, piece));
            bytes.remove_prefix(std::min(piece, bytes.size()));
            while (auto reply = reader.next()) {
                reading.replies.push_back(std::move(*reply));
            }
        }
    } catch (const std::runtime_error& error) {
        require(!std::string_view(error.what()).empty(), "a failure says why");
        reading.failed = true;
    }
    return reading;
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
    const Reading whole = read_in_pieces(bytes, bytes.size());
    const Reading pieces = read_in_pieces(bytes, piece);
    require(whole.failed == pieces.failed, "pieces fail where the whole does");
    require(whole.failed || std::ranges::equal(whole.replies, pieces.replies, same),
            "pieces are read as the whole is");
    for (const RedisReply& reply : pieces.replies) {
        require(reply.text.size() <= bytes.size(), "a text has come");
        require(elements(reply) <= bytes.size(), "an element has come");
    }
}

void check_command(std::string_view bytes) {
    const auto arguments = split(bytes, ' ');
    const RedisCommand command(arguments.begin(), arguments.end());
    const std::string wire = format_command(command);
    const Reading read = read_in_pieces(wire, wire.size());
    require(read.replies.size() == 1, "a command is one list");
    require(std::ranges::equal(read.replies[0].list, command, {}, &RedisReply::text),
            "a command is read back as it was");
}

} // namespace

FUZZER(replies, input) {
    if (!input.empty()) {
        check_pieces(input.substr(1), 1 + static_cast<unsigned char>(input.front()) % 16U);
        check_command(input);
    }
}
