#include "redis/cluster.hpp"

#include <cstdint>
#include <string>

namespace ordercache {

namespace {

/// CRC-16/XMODEM, which the specification of Redis Cluster names.
std::uint16_t crc16(std::string_view text) {
    constexpr unsigned polynomial = 0x1021;
    constexpr unsigned highest_bit = 0x8000;
    unsigned crc = 0;
    for (const char c : text) {
        crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8U;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc << 1U) ^ ((crc & highest_bit) != 0 ? polynomial : 0);
        }
    }
    return static_cast<std::uint16_t>(crc);
}

/// Returns the text between the first `{` and the first `}` after it or, if that is empty, the key.
std::string_view hashed_part(std::string_view key) {
    const auto open = key.find('{');
    const auto close = key.find('}', open);
    if (open == std::string_view::npos || close == std::string_view::npos || close == open + 1) {
        return key;
    }
    return key.substr(open + 1, close - open - 1);
}

/// Parses `host:port`, where the host may be empty or an IPv6 address without brackets. Returns
/// nullopt if the port is missing.
std::optional<Endpoint> endpoint_in(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const auto port = parse_port(text.substr(colon + 1));
    return port ? std::optional(Endpoint{std::string(text.substr(0, colon)), std::to_string(*port)})
                : std::nullopt;
}

bool is_slot_range(const RedisReply& reply) {
    return reply.list.size() >= 3 && reply.list[0].kind == RedisReply::Kind::integer &&
           reply.list[1].kind == RedisReply::Kind::integer && reply.list[2].list.size() >= 2 &&
           reply.list[0].integer >= 0 && reply.list[0].integer <= reply.list[1].integer &&
           reply.list[1].integer < static_cast<std::int64_t>(k_slots) &&
           parse_port(std::to_string(reply.list[2].list[1].integer)).has_value();
}

} // namespace

std::size_t slot_of(std::string_view key) {
    return crc16(hashed_part(key)) % k_slots;
}

std::optional<Redirection> redirection_in(const RedisReply& reply) {
    if (reply.is_error("TRYAGAIN")) {
        return Redirection{Redirection::Kind::try_again};
    }
    const auto node = endpoint_in(std::string_view(reply.text).substr(reply.text.rfind(' ') + 1));
    if (node && reply.is_error("MOVED ")) {
        return Redirection{Redirection::Kind::moved, *node};
    }
    if (node && reply.is_error("ASK ")) {
        return Redirection{Redirection::Kind::ask, *node};
    }
    return std::nullopt;
}

bool is_cross_slot(const RedisReply& reply) {
    return reply.is_error("CROSSSLOT");
}

std::vector<SlotRange> slot_ranges_in(const RedisReply& reply) {
    std::vector<SlotRange> ranges;
    for (const RedisReply& range : reply.list) {
        if (is_slot_range(range)) {
            const auto& primary = range.list[2].list;
            ranges.push_back({static_cast<std::size_t>(range.list[0].integer),
                              static_cast<std::size_t>(range.list[1].integer),
                              {primary[0].text, std::to_string(primary[1].integer)}});
        }
    }
    return ranges;
}

} // namespace ordercache
