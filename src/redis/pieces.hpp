#pragma once

#include "base/waiting.hpp"
#include "cache_aside/scope.hpp"
#include "redis/router.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace ordercache {

/// Enough to make a pipeline's round trip cheap, and few enough to fit in memory.
inline constexpr std::size_t k_pipeline_scopes = 1000;

/// Runs a command for each piece of the scopes, which must be sorted. The total is a piece by
/// itself, and in a cluster each customer is, since their keys may lie on several nodes. All
/// commands go in one write, behind those in `first`. Returns the elements of the replies that are
/// lists, and the other replies. Throws as RedisRouter::run does.
std::vector<RedisReply>
run_in_pieces(RedisRouter& redis, const std::vector<Scope>& scopes,
              const std::function<RedisCommand(const std::vector<Scope>&)>& command_for,
              std::optional<Deadline> deadline = std::nullopt,
              const std::vector<RedisCommand>& first = {});

} // namespace ordercache
