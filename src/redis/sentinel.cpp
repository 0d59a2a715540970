#include "redis/sentinel.hpp"

#include "base/uri.hpp"
#include "redis/reply_check.hpp"

#include <fmt/format.h>

#include <string>

namespace ordercache {

namespace {

/// The URI's user and password are the primary's.
RedisService as_sentinel(const RedisService& service, const Endpoint& address) {
    RedisService sentinel = service;
    sentinel.is_sentinel = true;
    sentinel.sentinels.clear();
    sentinel.host = address.host;
    sentinel.port = address.port;
    sentinel.user.clear();
    sentinel.password = service.sentinel_password;
    sentinel.current_password = {};
    sentinel.database = 0;
    sentinel.cluster_host.clear();
    return sentinel;
}

Endpoint address_in(const RedisReply& reply, const RedisService& sentinel) {
    if (reply.kind == RedisReply::Kind::error) {
        throw refusal(sentinel, "SENTINEL", reply.text);
    }
    if (reply.kind == RedisReply::Kind::nil) {
        throw CacheError(fmt::format("{} knows no service {}: write the name that its "
                                     "configuration has into REDIS_SERVICE_URI",
                                     sentinel.name(), sentinel.primary_name));
    }
    if (reply.list.size() != 2 || reply.list[0].text.empty() || !parse_port(reply.list[1].text)) {
        throw unexpected_reply(sentinel, "SENTINEL");
    }
    return {reply.list[0].text, reply.list[1].text};
}

Endpoint ask(const RedisService& sentinel, const Connect& connect_to, Deadline deadline) {
    RedisServer server(sentinel, {.limit = TimeLimit::until(deadline), .connect_to = connect_to});
    const auto replies =
        server.run({{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinel.primary_name}}, std::nullopt);
    return address_in(replies.front(), sentinel);
}

} // namespace

RedisService find_primary(const RedisService& service, const Connect& connect_to,
                          Deadline deadline) {
    std::string reasons;
    for (const Endpoint& each : service.sentinels) {
        const RedisService sentinel = as_sentinel(service, each);
        try {
            const Endpoint address = ask(sentinel, connect_to, deadline.halfway());
            RedisService primary = service;
            primary.host = address.host;
            primary.port = address.port;
            primary.cluster_host = sentinel.host;
            return primary;
        } catch (const CacheError& error) {
            reasons += (reasons.empty() ? "" : "; ") + std::string(error.what());
        }
    }
    throw CacheError(reasons);
}

} // namespace ordercache
