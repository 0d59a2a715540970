#pragma once

#include "redis/reply_reader.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace ordercache {

/// The command whose reply tells what a server is. Every user may send it.
inline RedisCommand hello() {
    return {"HELLO"};
}

/// Returns a field of the reply to HELLO, such as its `mode` or its `role`, or an empty text if the
/// server is too old for HELLO.
inline std::string field_of_hello(const RedisReply& reply, std::string_view name) {
    const auto found = std::ranges::find(reply.list, name, &RedisReply::text);
    const bool has_value = found != reply.list.end() && std::next(found) != reply.list.end();
    return has_value ? std::next(found)->text : "";
}

/// Returns whether a server with this `role` is a replica.
inline bool is_replica(std::string_view role) {
    return role == "replica" || role == "slave";
}

} // namespace ordercache
