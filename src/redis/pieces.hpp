#pragma once

#include "base/waiting.hpp"
#include "cache_aside/scope.hpp"
#include "redis/router.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace ordercache {

/// Enough to make a pipeline's round trip cheap, and few enough to hold in memory.
inline constexpr std::size_t k_pipeline_scopes = 1000;

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
