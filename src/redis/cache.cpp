#include "redis/cache.hpp"

#include "base/error.hpp"
#include "base/whole_number.hpp"
#include "redis/cluster.hpp"
#include "redis/key_scan.hpp"
#include "redis/reply_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <utility>

namespace ordercache {

namespace {

std::int64_t sum_of(std::span<const RedisReply> replies) {
    return std::transform_reduce(replies.begin(), replies.end(), std::int64_t{0}, std::plus<>(),
                                 [](const RedisReply& reply) { return reply.integer; });
}

std::vector<RedisCommand> deletions(const KeyForm& form, const std::vector<Scope>& scopes) {
    std::vector<RedisCommand> commands;
    for (const Scope& scope : scopes) {
        commands.push_back({"DEL", form.of(scope)});
    }
    return commands;
}

constexpr std::size_t k_follower_replies = 2;

/// Enough to make a pipeline's round trip cheap, and few enough to fit in memory.
constexpr std::size_t k_pipeline_scopes = 1000;

/// Few enough that the first replies of a pipeline are read while the server works on the next
/// commands, and that a script does not keep other clients waiting.
constexpr std::size_t k_command_scopes = 250;

/// Returns what the reply to a GET says, or nullopt if the key is not there.
std::optional<CachedValue> cached_value_in(const RedisReply& reply) {
    if (reply.kind == RedisReply::Kind::nil) {
        return std::nullopt;
    }
    return CachedValue{parse_whole_number(reply.text)}; // an error, WRONGTYPE, has no count either
}

} // namespace

RedisCache::RedisCache(RedisRouter redis, KeyNames names, std::chrono::seconds time_to_live,
                       Reporter& reporter, Origin origin)
    : m_redis(std::move(redis)), m_names(std::move(names)), m_time_to_live(time_to_live),
      m_reporter(reporter), m_origin(std::move(origin)) {}

std::optional<Counts> RedisCache::get(const std::vector<Scope>& scopes) {
    const KeyForm names = m_names.values();
    const auto command_for = [&names](const std::vector<Scope>& piece) {
        RedisCommand command = {piece.size() == 1 ? "GET" : "MGET"};
        std::ranges::transform(piece, std::back_inserter(command),
                               [&names](const Scope& scope) { return names.of(scope); });
        return command;
    };
    const auto asked = Clock::now();
    const auto replies = run_in_pieces(scopes, command_for, std::nullopt, follower_question());
    if (replies.size() != k_follower_replies + scopes.size()) {
        throw unexpected_reply(m_redis.service(), "MGET");
    }
    const auto values = std::span(replies).subspan(k_follower_replies);
    if (!is_vouched_for(std::span(replies).first(k_follower_replies), asked)) {
        return std::nullopt;
    }
    Counts counts;
    for (std::size_t i = 0; i < scopes.size(); ++i) {
        if (const auto count = count_in(scopes[i], values[i])) {
            counts.emplace_hint(counts.end(), scopes[i], *count); // they are sorted
        }
    }
    return counts;
}

/// Runs a command for each piece of the scopes, which must be sorted. The total is a piece by
/// itself, and in a cluster each customer is, since their keys may lie on several nodes. All
/// commands go in one write, behind those in `first`. Returns the elements of the replies that are
/// lists, and the other replies.
std::vector<RedisReply>
RedisCache::run_in_pieces(const std::vector<Scope>& scopes,
                          const std::function<RedisCommand(const std::vector<Scope>&)>& command_for,
                          std::optional<Deadline> deadline,
                          const std::vector<RedisCommand>& first) {
    const auto run_sized = [&](std::size_t size) {
        std::vector<RedisCommand> commands = first;
        if (!scopes.front().customer) {
            commands.push_back(command_for({k_all_orders}));
        }
        in_pieces(customers_in(scopes), size,
                  [&](const std::vector<Scope>& piece) { commands.push_back(command_for(piece)); });
        return m_redis.run(commands, deadline);
    };
    if (scopes.empty()) {
        return {};
    }
    auto replies = run_sized(m_redis.is_cluster() ? 1 : k_command_scopes);
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

std::optional<std::int64_t> RedisCache::count_in(const Scope& scope, const RedisReply& value) {
    const auto cached = cached_value_in(value);
    if (cached && !cached->count) {
        m_reporter.warn(
            fmt::format("the value of {} in Redis is not a count; computing it anew", key(scope)));
    }
    return cached ? cached->count : std::nullopt;
}

std::int64_t RedisCache::drop(const std::vector<Scope>& scopes) {
    std::int64_t dropped =
        std::ranges::find(scopes, k_all_orders) != scopes.end() ? drop_total() : 0;
    in_pieces(customers_in(scopes), k_pipeline_scopes, [&](const std::vector<Scope>& piece) {
        const auto replies = m_redis.run(drop_commands(piece));
        dropped += sum_of(std::span(replies).last(piece.size()));
        // A lease that was redirected was deleted after its value. Now that it is gone, the value
        // is deleted again.
        if (m_redis.is_cluster()) {
            dropped += sum_of(m_redis.run(deletions(m_names.values(), piece)));
        }
    });
    return dropped;
}

/// Deletes the total in one step with its ledger. Asks first whether it is there.
std::int64_t RedisCache::drop_total() {
    RedisCommand deletion = m_names.keys(k_all_orders);
    deletion.insert(deletion.begin(), "DEL");
    return m_redis.run({{"EXISTS", key(k_all_orders)}, deletion}).front().integer;
}

/// Returns a DEL of each customer's lease, and then a DEL of each value. An answer stays, since
/// only readers that asked before it was counted get it.
std::vector<RedisCommand> RedisCache::drop_commands(const std::vector<Scope>& customers) const {
    auto commands = deletions(m_names.leases(), customers);
    std::ranges::move(deletions(m_names.values(), customers), std::back_inserter(commands));
    return commands;
}

std::int64_t RedisCache::drop_all() {
    const auto servers = m_redis.primaries();
    const std::int64_t total = drop_total();
    delete_all(servers, m_names.leases());
    return total + delete_all(servers, m_names.values());
}

std::int64_t RedisCache::delete_all(const std::set<RedisServer*>& servers, const KeyForm& form) {
    std::int64_t deleted = 0;
    scan_keys(servers, form, [&](const std::vector<Scope>& scopes) {
        in_pieces(scopes, k_pipeline_scopes, [&](const std::vector<Scope>& piece) {
            deleted += sum_of(m_redis.run(deletions(form, piece)));
        });
    });
    return deleted;
}

std::vector<std::optional<CachedValue>> RedisCache::values(const std::vector<Scope>& scopes) {
    const KeyForm names = m_names.values();
    std::vector<std::optional<CachedValue>> values;
    in_pieces(scopes, k_pipeline_scopes, [&](const std::vector<Scope>& piece) {
        std::vector<RedisCommand> commands;
        for (const Scope& scope : piece) {
            commands.push_back({"GET", names.of(scope)}); // MGET would hide another type
        }
        std::ranges::transform(m_redis.run(commands), std::back_inserter(values), cached_value_in);
    });
    return values;
}

std::vector<Scope> RedisCache::scopes() {
    std::vector<Scope> all;
    scan_keys(m_redis.primaries(), m_names.values(), [&](const std::vector<Scope>& scopes) {
        all.insert(all.end(), scopes.begin(), scopes.end());
    });
    return without_repeats(std::move(all));
}

bool RedisCache::has_ledger() {
    return m_redis.run({{"EXISTS", m_names.ledger()}}).front().integer == 1;
}

std::optional<std::chrono::seconds> RedisCache::time_left(const Scope& scope) {
    constexpr std::int64_t not_there = -2;
    const std::int64_t left = m_redis.run({{"PTTL", key(scope)}}).front().integer;
    if (left == not_there) {
        return std::nullopt;
    }
    return left < 0 ? std::chrono::seconds(left)
                    : std::chrono::ceil<std::chrono::seconds>(std::chrono::milliseconds(left));
}

} // namespace ordercache
