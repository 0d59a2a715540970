#pragma once

#include "base/waiting.hpp"
#include "cache_aside/scope.hpp"
#include "redis/router.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace ordercache {

/// Calls `act` with one piece of the scopes after the other, each of `size` at most.
template <typename Act>
void in_pieces(const std::vector<Scope>& scopes, std::size_t size, Act act) {
    for (std::size_t begin = 0; begin < scopes.size(); begin += size) {
        const std::size_t end = std::min(begin + size, scopes.size());
        act(std::vector<Scope>(scopes.begin() + static_cast<std::ptrdiff_t>(begin),
                               scopes.begin() + static_cast<std::ptrdiff_t>(end)));
    }
}

/// The scopes that a command was for, and its reply.
struct PieceReply {
    std::vector<Scope> scopes;
    RedisReply reply;
};

/// Runs a command for a piece of the scopes each or, where a cluster keeps their keys apart, for
/// one scope each; all go in one write. Throws as RedisRouter::run does.
std::vector<PieceReply>
run_in_pieces(RedisRouter& redis, const std::vector<Scope>& scopes,
              const std::function<RedisCommand(const std::vector<Scope>&)>& command_for,
              std::optional<Deadline> deadline = std::nullopt);

} // namespace ordercache
