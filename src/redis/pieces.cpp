#include "redis/pieces.hpp"

#include "redis/cluster.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace ordercache {

namespace {

using CommandFor = std::function<RedisCommand(const std::vector<Scope>&)>;

/// Few enough for the replies to the first commands of a pipeline to be read while the server works
/// on the next, and for a script not to keep others waiting.
constexpr std::size_t k_scopes = 250;

std::vector<PieceReply> run_sized(RedisRouter& redis, const std::vector<Scope>& scopes,
                                  std::size_t size, const CommandFor& command_for,
                                  std::optional<Deadline> deadline) {
    std::vector<PieceReply> answers;
    std::vector<RedisCommand> commands;
    in_pieces(scopes, size, [&](const std::vector<Scope>& piece) {
        commands.push_back(command_for(piece));
        answers.push_back({piece, {}});
    });
    auto replies = redis.run(commands, deadline);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        answers[i].reply = std::move(replies[i]);
    }
    return answers;
}

} // namespace

std::vector<PieceReply> run_in_pieces(RedisRouter& redis, const std::vector<Scope>& scopes,
                                      const CommandFor& command_for,
                                      std::optional<Deadline> deadline) {
    if (scopes.empty()) {
        return {};
    }
    const std::size_t size = redis.is_cluster() ? 1 : k_scopes;
    auto answers = run_sized(redis, scopes, size, command_for, deadline);
    if (std::ranges::any_of(answers, is_cross_slot, &PieceReply::reply)) {
        answers = run_sized(redis, scopes, 1, command_for, deadline);
    }
    return answers;
}

} // namespace ordercache
