#pragma once

#include "base/error.hpp"
#include "redis/reply_reader.hpp"
#include "redis/uri.hpp"

#include <string>
#include <string_view>

namespace ordercache {

/// Returns what an error reply to `command` means, in a sentence that names the server.
CacheRefusal refusal(const RedisService& service, std::string_view command,
                     const std::string& error_text);

/// Returns the failure to throw if a reply, which is not an error, does not fit `command`.
CacheError unexpected_reply(const RedisService& service, std::string_view command);

/// Throws CacheError if the reply is an error or does not fit the command, for example an integer
/// in reply to GET. The caller checks replies to scripts and to CLUSTER SLOTS, and two errors:
/// CROSSSLOT in reply to MGET or a script, and WRONGTYPE in reply to GET.
void check_reply(const RedisService& service, const RedisCommand& command, const RedisReply& reply);

} // namespace ordercache
