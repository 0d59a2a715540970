#pragma once

#include "base/error.hpp"
#include "redis/reply_reader.hpp"
#include "redis/uri.hpp"

#include <string>
#include <string_view>

namespace ordercache {

/// What an error reply to `command` means, in a sentence that names the server.
CacheRefusal refusal(const RedisService& service, std::string_view command,
                     const std::string& error_text);

/// What to throw where the reply to `command` is no error, and none that it can have.
CacheError unexpected_reply(const RedisService& service, std::string_view command);

/// Throws CacheError where the reply is an error, or none that the command can have: an integer to
/// GET, say. What a script or CLUSTER SLOTS replies is for the caller to read. So are two errors:
/// CROSSSLOT in reply to MGET or a script, and WRONGTYPE in reply to GET.
void check_reply(const RedisService& service, const RedisCommand& command, const RedisReply& reply);

} // namespace ordercache
