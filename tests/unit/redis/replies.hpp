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

} // namespace ordercache::replies
