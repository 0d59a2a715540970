#include "redis/pieces.hpp"

#include "redis/cluster.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace ordercache {

namespace {

/// Few enough that the first replies of a pipeline are read while the server works on the next
/// commands, and that a script does not keep other clients waiting.
constexpr std::size_t k_scopes = 250;

std::vector<std::vector<Scope>> pieces_of(const std::vector<Scope>& scopes, std::size_t size) {
    std::vector<std::vector<Scope>> pieces;
    for (const Scope& scope : scopes) {
        if (pieces.empty() || pieces.back().size() == size || !pieces.back().front().customer) {
            pieces.emplace_back();
        }
        pieces.back().push_back(scope);
    }
    return pieces;
}

} // namespace

std::vector<RedisReply>
run_in_pieces(RedisRouter& redis, const std::vector<Scope>& scopes,
              const std::function<RedisCommand(const std::vector<Scope>&)>& command_for,
              std::optional<Deadline> deadline, const std::vector<RedisCommand>& first) {
    const auto run_sized = [&](std::size_t size) {
        std::vector<RedisCommand> commands = first;
        std::ranges::transform(pieces_of(scopes, size), std::back_inserter(commands), command_for);
        return redis.run(commands, deadline);
    };
    if (scopes.empty()) {
        return {};
    }
    auto replies = run_sized(redis.is_cluster() ? 1 : k_scopes);
    if (std::ranges::any_of(replies, is_cross_slot)) {
        replies = run_sized(1);
    }
    std::vector<RedisReply> elements;
    for (RedisReply& reply : replies) {
        if (reply.kind == RedisReply::Kind::list) {
            std::ranges::move(reply.list, std::back_inserter(elements));
        } else {
            elements.push_back(std::move(reply));
        }
    }
    return elements;
}

} // namespace ordercache
