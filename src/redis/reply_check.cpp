#include "redis/reply_check.hpp"

#include "redis/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

namespace ordercache {

namespace {

using Kind = RedisReply::Kind;

constexpr std::string_view k_not_granted =
    "the user in REDIS_SERVICE_URI lacks a right: grant it with ACL SETUSER, as RIGHTS in "
    "ordercache(1) shows";

constexpr std::string_view k_wrong_password =
    "the user or the password in REDIS_SERVICE_URI is wrong";
constexpr std::string_view k_has_no_password =
    "it has no password: remove the password from REDIS_SERVICE_URI";

struct Meaning {
    std::string_view error; ///< How its text begins.
    std::string_view sentence;
};

constexpr auto k_meanings = std::to_array<Meaning>({
    {"NOAUTH", "it needs a password: add it to REDIS_SERVICE_URI"},
    {"ERR AUTH <password> called without any password configured", k_has_no_password},
    {"ERR Client sent AUTH, but no password is set", k_has_no_password}, // Redis 5
    {"ERR invalid password", k_wrong_password},                          // Redis 5
    {"WRONGPASS", k_wrong_password},
    {"NOPERM", k_not_granted},
    {"ERR The user executing the script can't run this command", k_not_granted}, // Redis 6 and 7.0
    {"ERR ACL failure in script:", k_not_granted}, // Redis 7.2 and later, Valkey
    {"READONLY", "it is a replica: name the primary in REDIS_SERVICE_URI"},
    {"LOADING", "it is still loading its data: try again"},
    {"BUSY", "it is busy with a script: try again"},
    {"OOM", "its memory is full: raise maxmemory, or choose an evicting maxmemory-policy"},
    {"MASTERDOWN", "it is a replica that has lost its primary: name the primary"},
    {"CLUSTERDOWN", "the cluster is down: try again"},
    {"MOVED", "the cluster's nodes disagree about which of them has the key: try again"},
    {"ASK", "the key is moving to another node of the cluster: try again"},
    {"TRYAGAIN", "the key is moving to another node of the cluster: try again"},
    {"MISCONF", "it cannot save to disk and refuses writes: see its log"},
    {"ERR unknown command", "it does not know the command, perhaps because its configuration "
                            "renames it: RIGHTS in ordercache(1) lists the commands to keep"},
});

/// These replace the others if the server is a Sentinel.
constexpr auto k_meanings_of_sentinels = std::to_array<Meaning>({
    {"NOAUTH", "it needs a password: set sentinel_password in REDIS_SERVICE_URI"},
    {"WRONGPASS", "sentinel_password in REDIS_SERVICE_URI is wrong"},
    {"ERR AUTH <password> called without any password configured",
     "it has no password: leave sentinel_password out of REDIS_SERVICE_URI"},
    {"ERR unknown command", "it is not a Sentinel: without Sentinels, write redis://"},
});

bool begins_with_words(std::string_view text, std::string_view words) {
    return text.starts_with(words) && (text.size() == words.size() || text[words.size()] == ' ');
}

std::optional<std::string_view> meaning_among(std::span<const Meaning> meanings,
                                              std::string_view error_text) {
    const auto found = std::ranges::find_if(
        meanings, [&](const Meaning& each) { return begins_with_words(error_text, each.error); });
    return found != meanings.end() ? std::optional(found->sentence) : std::nullopt;
}

/// Returns the server's own words, unless they may hold the password. A mask would not hide a
/// password that is a common word: everybody knows the server's messages.
std::string_view shown(const RedisService& service, std::string_view command,
                       std::string_view error_text) {
    const bool holds_password =
        !service.password.empty() && error_text.find(service.password) != std::string_view::npos;
    if (command == "AUTH" || holds_password) {
        return "the reason is not shown, since it may contain the password: see its log";
    }
    return error_text;
}

bool is_error_for_caller(const RedisCommand& command, const RedisReply& error) {
    const std::string& name = command.front();
    return (is_cross_slot(error) && (name == "MGET" || name == "EVAL")) ||
           (error.is_error("WRONGTYPE") && name == "GET");
}

bool is_text_or_nil(const RedisReply& reply) {
    return reply.kind == Kind::text || reply.kind == Kind::nil;
}

bool is_integer(const RedisReply& reply) {
    return reply.kind == Kind::integer;
}

bool is_list_of(const RedisReply& reply, bool (*is_element)(const RedisReply&)) {
    return reply.kind == Kind::list && std::ranges::all_of(reply.list, is_element);
}

bool is_page_of_keys(const RedisReply& reply) {
    return reply.kind == Kind::list && reply.list.size() == 2 && reply.list[0].kind == Kind::text &&
           is_list_of(reply.list[1], [](const RedisReply& key) { return key.kind == Kind::text; });
}

/// Returns whether the reply, which is not an error, fits the command.
bool fits(const RedisCommand& command, const RedisReply& reply) {
    const std::string& name = command.front();
    if (name == "GET" || name == "SET") {
        return is_text_or_nil(reply);
    }
    if (name == "MGET") {
        return is_list_of(reply, is_text_or_nil) && reply.list.size() == command.size() - 1;
    }
    if (name == "DEL" || name == "EXISTS" || name == "PTTL") {
        return is_integer(reply);
    }
    return name != "SCAN" || is_page_of_keys(reply);
}

} // namespace

CacheRefusal refusal(const RedisService& service, std::string_view command,
                     const std::string& error_text) {
    const auto meaning =
        meaning_among(service.is_sentinel ? std::span<const Meaning>(k_meanings_of_sentinels)
                                          : std::span<const Meaning>(k_meanings),
                      error_text);
    return CacheRefusal{fmt::format("{} refused {}: {}", service.name(), command,
                                    meaning ? *meaning : shown(service, command, error_text))};
}

CacheError unexpected_reply(const RedisService& service, std::string_view command) {
    return CacheError(fmt::format("{}: unexpected reply to {}; is this a Redis or Valkey server?",
                                  service.name(), command));
}

void check_reply(const RedisService& service, const RedisCommand& command,
                 const RedisReply& reply) {
    if (reply.kind == Kind::error) {
        if (!is_error_for_caller(command, reply)) {
            throw refusal(service, command.front(), reply.text);
        }
    } else if (!fits(command, reply)) {
        throw unexpected_reply(service, command.front());
    }
}

} // namespace ordercache
