#include "redis/claim_reply.hpp"

#include "base/error.hpp"
#include "base/whole_number.hpp"
#include "redis/reply_check.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace ordercache {

namespace {

std::optional<std::int64_t> parse_count(std::string_view text) {
    return parse_whole_number(text, 0, std::numeric_limits<std::int64_t>::max());
}

/// Parses a writer's name in the ledger: `ID:ORDER`, where ORDER may be empty.
std::optional<WriteId> write_id_in(std::string_view name) {
    const std::size_t colon = std::min(name.find(':'), name.size());
    const auto id = parse_count(name.substr(0, colon));
    if (!id || colon == name.size()) {
        return std::nullopt;
    }
    WriteId write{.transaction = static_cast<TransactionId>(*id)};
    if (const auto order = name.substr(colon + 1); !order.empty()) {
        write.order = OrderId(order);
    }
    return write;
}

/// Parses `wait`, the token of the reader that counts, the earlier readers, names of writers ...
Claim wait_in(const RedisReply& reply) {
    Claim claim{.kind = Claim::Kind::wait,
                .is_being_counted = !reply.list[1].text.empty(),
                .earlier = reply.list[2].text};
    for (const RedisReply& writer : std::span(reply.list).subspan(3)) {
        if (const auto write = write_id_in(writer.text)) {
            claim.to_settle.push_back(*write);
        }
    }
    return claim;
}

} // namespace

std::optional<CachedValue> cached_value_in(const RedisReply& reply) {
    if (reply.kind == RedisReply::Kind::nil) {
        return std::nullopt;
    }
    return CachedValue{parse_count(reply.text)}; // an error, WRONGTYPE, has no count either
}

Claim claim_in(const RedisReply& reply, const RedisService& service) {
    const std::size_t size = reply.list.size();
    const std::string kind = size > 0 ? reply.list[0].text : "";
    if (kind == "ours") {
        return {.kind = Claim::Kind::ours};
    }
    if (kind == "wait" && size > 2) {
        return wait_in(reply);
    }
    const auto count = size > 1 ? parse_count(reply.list[1].text) : std::nullopt;
    if (count && (kind == "hit" || kind == "answer")) {
        return {.kind = kind == "hit" ? Claim::Kind::hit : Claim::Kind::answer, .count = *count};
    }
    throw unexpected_reply(service, "EVAL");
}

} // namespace ordercache
