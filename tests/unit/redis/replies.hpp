#pragma once

#include "redis/reply_reader.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// Replies, as short as a test wants them.
namespace ordercache::replies {

inline RedisReply nil() {
    return {};
}

inline RedisReply error(const std::string& text) {
    return {RedisReply::Kind::error, text, 0, {}};
}

inline RedisReply text(const std::string& text) {
    return {RedisReply::Kind::text, text, 0, {}};
}

inline RedisReply number(std::int64_t integer) {
    return {RedisReply::Kind::integer, "", integer, {}};
}

inline RedisReply list(std::vector<RedisReply> elements) {
    return {RedisReply::Kind::list, "", 0, std::move(elements)};
}

/// The reply in Redis's protocol.
inline std::string wire(const RedisReply& reply) {
    switch (reply.kind) {
    case RedisReply::Kind::text:
        return "$" + std::to_string(reply.text.size()) + "\r\n" + reply.text + "\r\n";
    case RedisReply::Kind::integer:
        return ":" + std::to_string(reply.integer) + "\r\n";
    case RedisReply::Kind::error:
        return "-" + reply.text + "\r\n";
    case RedisReply::Kind::list: {
        std::string all = "*" + std::to_string(reply.list.size()) + "\r\n";
        for (const RedisReply& element : reply.list) {
            all += wire(element);
        }
        return all;
    }
    default:
        return "$-1\r\n";
    }
}

} // namespace ordercache::replies
