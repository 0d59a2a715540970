#pragma once

#include "base/uri.hpp"
#include "redis/reply_reader.hpp"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace ordercache {

/// Redis Cluster: the slots of keys, and the nodes that serve them.

inline constexpr std::size_t k_slots = 16384;

/// Returns the slot of a key, which is that of its hash tag if it has one.
std::size_t slot_of(std::string_view key);

/// A node's reply that another node must run the command.
struct Redirection {
    enum class Kind {
        moved,     ///< Another node serves the slot.
        ask,       ///< The slot is moving: ask the other node, this once.
        try_again, ///< The slot is moving, and the command's keys are on both nodes.
    };

    Kind kind;
    Endpoint node = {}; ///< An empty host stands for the host of the node that replied.
};

/// Returns nullopt if the reply is not a redirection.
std::optional<Redirection> redirection_in(const RedisReply& reply);

/// Returns whether the command was refused because its keys are in several slots.
bool is_cross_slot(const RedisReply& reply);

struct SlotRange {
    std::size_t first;
    std::size_t last;
    Endpoint primary; ///< As Redirection::node.
};

/// Returns the ranges in a reply to CLUSTER SLOTS, without those that are not valid.
std::vector<SlotRange> slot_ranges_in(const RedisReply& reply);

} // namespace ordercache
