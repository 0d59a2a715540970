#pragma once

#include "base/uri.hpp"
#include "redis/reply_reader.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace ordercache {

/// What the nodes of a Redis Cluster say: which keys belong together, and who serves them.

inline constexpr std::size_t k_slots = 16384;

/// The slot of a key: that of its hash tag where it has one.
std::size_t slot_of(std::string_view key);

/// A node's word that a command was not run there.
struct Redirection {
    enum class Kind {
        moved,     ///< Another node serves the slot.
        ask,       ///< The slot is on its way: ask the other node, this once.
        try_again, ///< The slot is on its way, and this command's keys are on both nodes.
    };

    Kind kind;
    Endpoint node = {}; ///< Who to ask; no host: the one of the node that said so.
};

/// Absent where the reply is none.
std::optional<Redirection> redirection_in(const RedisReply& reply);

/// Whether the command's keys are in several slots, which no node takes.
bool is_cross_slot(const RedisReply& reply);

struct SlotRange {
    std::size_t first;
    std::size_t last;
    Endpoint primary; ///< No host: the one of the node that said so.
};

/// The reply to CLUSTER SLOTS, where that is what it is: who serves each slot.
std::vector<SlotRange> slot_ranges_in(const RedisReply& reply);

} // namespace ordercache
