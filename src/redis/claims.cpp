#include "redis/claims.hpp"

#include "base/error.hpp"
#include "base/whole_number.hpp"
#include "redis/reply_check.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <span>

namespace ordercache {

namespace {

constexpr auto k_most = std::numeric_limits<std::int64_t>::max();

CacheError unexpected_claim(const RedisService& service) {
    return unexpected_reply(service, "EVAL");
}

/// As the ledger names a writer: `ID:ORDER`, of which the second may be empty.
std::optional<WriteId> written_in(std::string_view name) {
    const std::size_t colon = std::min(name.find(':'), name.size());
    const auto id = parse_whole_number(name.substr(0, colon), 0, k_most);
    if (!id || colon == name.size()) {
        return std::nullopt;
    }
    WriteId write{.transaction = static_cast<TransactionId>(*id)};
    if (const auto order = name.substr(colon + 1); !order.empty()) {
        write.order = OrderId(order);
    }
    return write;
}

} // namespace

std::optional<std::int64_t> parse_count(std::string_view text) {
    return parse_whole_number(text, 0, k_most);
}

std::optional<CachedValue> cached_value_in(const RedisReply& reply) {
    if (reply.kind == RedisReply::Kind::nil) {
        return std::nullopt;
    }
    return CachedValue{parse_count(reply.text)}; // that of an error, WRONGTYPE, is none
}

Claim claim_in(const RedisReply& reply, const RedisService& service) {
    if (reply.list.empty()) {
        throw unexpected_claim(service);
    }
    const std::string& kind = reply.list[0].text;
    if (kind == "ours") {
        return {.ours = true};
    }
    const auto count = reply.list.size() > 1 ? parse_count(reply.list[1].text) : std::nullopt;
    if (kind == "hit" && count) {
        return {.count = count};
    }
    if (kind != "wait" || reply.list.size() < 2) {
        throw unexpected_claim(service);
    }
    Claim claim{.holder = reply.list[1].text};
    for (const RedisReply& writer : std::span(reply.list).subspan(2)) {
        if (const auto write = written_in(writer.text)) {
            claim.to_settle.push_back(*write);
        }
    }
    return claim;
}

std::vector<Claim> claims_in(const RedisReply& reply, std::size_t customers,
                             const RedisService& service) {
    if (reply.list.size() != customers) {
        throw unexpected_claim(service);
    }
    std::vector<Claim> claims;
    std::ranges::transform(reply.list, std::back_inserter(claims),
                           [&](const RedisReply& claim) { return claim_in(claim, service); });
    return claims;
}

} // namespace ordercache
