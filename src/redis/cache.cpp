#include "redis/cache.hpp"

#include "base/error.hpp"
#include "redis/claims.hpp"
#include "redis/key_scan.hpp"
#include "redis/pieces.hpp"
#include "redis/token.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

/// Beside the user's limit: giving a lease up also works when that has passed.
constexpr std::chrono::milliseconds k_release_timeout = 500ms;

/// Enough to make a pipeline's round trip cheap, and few enough to hold in memory.
constexpr std::size_t k_pipeline_scopes = 1000;

std::int64_t sum_of(const std::vector<RedisReply>& replies) {
    return std::transform_reduce(replies.begin(), replies.end(), std::int64_t{0}, std::plus<>(),
                                 [](const RedisReply& reply) { return reply.integer; });
}

bool has_total(const std::vector<Scope>& scopes) {
    return std::ranges::find(scopes, k_all_orders) != scopes.end();
}

} // namespace

RedisCache::RedisCache(RedisRouter redis, KeyNames names, std::chrono::seconds time_to_live,
                       Reporter& reporter)
    : m_redis(std::move(redis)), m_names(std::move(names)), m_time_to_live(time_to_live),
      m_reporter(reporter) {}

std::vector<std::optional<std::int64_t>> RedisCache::get(const std::vector<Scope>& scopes) {
    const auto answers = run_in_pieces(m_redis, scopes, [this](const std::vector<Scope>& together) {
        RedisCommand command = {together.size() == 1 ? "GET" : "MGET"};
        command.reserve(1 + together.size());
        for (const Scope& scope : together) {
            command.push_back(key(scope));
        }
        return command;
    });
    std::vector<std::optional<std::int64_t>> counts;
    counts.reserve(scopes.size());
    for (const auto& [asked, reply] : answers) {
        if (asked.size() == 1) {
            counts.push_back(count_in(asked.front(), reply));
            continue;
        }
        std::ranges::transform(
            asked, reply.list, std::back_inserter(counts),
            [this](const Scope& scope, const RedisReply& value) { return count_in(scope, value); });
    }
    return counts;
}

std::vector<std::optional<CachedValue>> RedisCache::values(const std::vector<Scope>& scopes) {
    std::vector<std::optional<CachedValue>> values;
    in_pieces(scopes, k_pipeline_scopes, [&](const std::vector<Scope>& piece) {
        std::vector<RedisCommand> commands;
        for (const Scope& scope : piece) {
            commands.push_back({"GET", key(scope)}); // MGET would hide a key of another type
        }
        std::ranges::transform(m_redis.run(commands), std::back_inserter(values), cached_value_in);
    });
    return values;
}

std::vector<Scope> RedisCache::cached_scopes() {
    std::vector<Scope> scopes;
    const auto add = [&](const std::vector<std::string>& keys) {
        for (const std::string& key : keys) {
            if (const auto scope = m_names.scope_of_value(key)) {
                scopes.push_back(*scope);
            }
        }
    };
    scan_keys(m_redis.primaries(), m_names.value_pattern(), add);
    return without_repeats(std::move(scopes)); // a scan may tell of a key twice
}

bool RedisCache::has_ledger() {
    return m_redis.run({{"EXISTS", m_names.ledger()}}).front().integer == 1;
}

std::vector<Claim> RedisCache::acquire(const std::vector<Scope>& scopes,
                                       const Freshness& freshness) {
    m_token = random_token();
    auto leases = m_leases.acquire(m_token, customers_in(scopes), freshness.refresh);
    std::vector<Claim> claims;
    auto lease = leases.begin();
    for (const Scope& scope : scopes) {
        claims.push_back(scope.customer ? std::move(*lease++)
                                        : m_ledger.acquire(m_token, freshness));
    }
    return claims;
}

void RedisCache::renew(const std::vector<Scope>& scopes) {
    m_leases.renew(m_token, customers_in(scopes));
    if (has_total(scopes)) {
        m_ledger.renew(m_token);
    }
}

void RedisCache::release(const std::vector<Scope>& scopes) {
    const Deadline deadline = Deadline::in(k_release_timeout);
    m_leases.release(m_token, customers_in(scopes), deadline);
    if (has_total(scopes)) {
        m_ledger.release(m_token, deadline);
    }
}

void RedisCache::fill(const Counts& customers) {
    m_leases.fill(m_token, customers, m_time_to_live);
}

bool RedisCache::fill_total(std::int64_t count, const std::string& snapshot,
                            const std::vector<std::uint32_t>& writers,
                            const std::function<bool()>& has_run) {
    return m_ledger.fill(m_token, count, m_time_to_live, snapshot, writers, has_run);
}

/// A single customer's drop and the registration go in one write, where one server takes both. Only
/// a registration that was refused can be done without: one without an answer may come late.
bool RedisCache::begin_write(const WriteId& write, std::int64_t orders,
                             const std::vector<Scope>& customers) {
    std::vector<RedisCommand> commands;
    const bool is_one_write = customers.size() == 1 && !m_redis.is_cluster();
    if (is_one_write) {
        commands = drop_commands(customers);
    } else {
        drop(customers);
    }
    commands.push_back(m_ledger.registration(write, orders));
    try {
        m_redis.run(commands);
        if (is_one_write && m_redis.is_cluster()) {
            drop(customers); // a lease that was redirected went after its value
        }
        return true;
    } catch (const CacheRefusal&) { // of a drop perhaps, which must not fail
        drop(customers);
        drop_total();
        return false;
    }
}

void RedisCache::end_write(const WriteId& write, TransactionStatus status) {
    m_ledger.confirm(write, status, Deadline::in(k_release_timeout));
}

std::int64_t RedisCache::drop(const std::vector<Scope>& scopes) {
    std::int64_t dropped = has_total(scopes) ? drop_total() : 0;
    in_pieces(customers_in(scopes), k_pipeline_scopes, [&](const std::vector<Scope>& piece) {
        auto commands = drop_commands(piece);
        const auto leases = static_cast<std::ptrdiff_t>(piece.size());
        const auto replies = m_redis.run(commands);
        dropped += sum_of({replies.begin() + leases, replies.end()});
        // A lease that was redirected went after its value: now that it is gone, the value again.
        if (m_redis.is_cluster()) {
            commands.erase(commands.begin(), commands.begin() + leases);
            dropped += sum_of(m_redis.run(commands));
        }
    });
    return dropped;
}

/// In one step with its ledger; whether it was there is asked before.
std::int64_t RedisCache::drop_total() {
    const std::string value = key(k_all_orders);
    const auto replies = m_redis.run({{"EXISTS", value}, {"DEL", value, m_names.ledger()}});
    return replies.front().integer;
}

/// For each customer a DEL of the lease, then for each one of the value.
std::vector<RedisCommand> RedisCache::drop_commands(const std::vector<Scope>& customers) const {
    std::vector<RedisCommand> commands;
    for (const Scope& customer : customers) {
        commands.push_back({"DEL", m_names.lease(customer)});
    }
    for (const Scope& customer : customers) {
        commands.push_back({"DEL", key(customer)});
    }
    return commands;
}

std::int64_t RedisCache::drop_all() {
    const auto servers = m_redis.primaries();
    const std::int64_t total = drop_total();
    delete_all(servers, m_names.lease_pattern(), &KeyNames::is_lease);
    return total + delete_all(servers, m_names.value_pattern(), &KeyNames::is_value);
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

std::optional<std::int64_t> RedisCache::count_in(const Scope& scope, const RedisReply& value) {
    const auto cached = cached_value_in(value);
    if (!cached) {
        return std::nullopt;
    }
    if (!cached->count) {
        m_reporter.warn(
            fmt::format("the value of {} in Redis is no count; computing it anew", key(scope)));
    }
    return cached->count;
}

std::int64_t RedisCache::delete_all(const std::vector<RedisServer*>& servers,
                                    const std::string& pattern, KeyTest test) {
    std::int64_t deleted = 0;
    scan_keys(servers, pattern, [&](const std::vector<std::string>& keys) {
        std::vector<RedisCommand> commands;
        for (const std::string& key : keys) {
            if ((m_names.*test)(key)) {
                commands.push_back({"DEL", key});
            }
        }
        if (!commands.empty()) {
            deleted += sum_of(m_redis.run(commands));
        }
    });
    return deleted;
}

} // namespace ordercache
