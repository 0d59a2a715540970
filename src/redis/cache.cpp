#include "redis/cache.hpp"

#include "base/error.hpp"
#include "redis/claim_reply.hpp"
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

/// Beside the user's limit: releasing a lease also works when that has passed.
constexpr std::chrono::milliseconds k_release_timeout = 500ms;

std::int64_t sum_of(const std::vector<RedisReply>& replies) {
    return std::transform_reduce(replies.begin(), replies.end(), std::int64_t{0}, std::plus<>(),
                                 [](const RedisReply& reply) { return reply.integer; });
}

bool has_total(const std::vector<Scope>& scopes) {
    return std::ranges::find(scopes, k_all_orders) != scopes.end();
}

} // namespace

RedisCache::RedisCache(RedisRouter redis, KeyNames names, std::chrono::seconds time_to_live,
                       Reporter& reporter, Origin origin)
    : m_redis(std::move(redis)), m_names(std::move(names)), m_time_to_live(time_to_live),
      m_reporter(reporter), m_origin(std::move(origin)) {}

std::optional<std::int64_t> RedisCache::get(const Scope& scope) {
    return count_in(scope, m_redis.run({{"GET", key(scope)}}).front());
}

Counts RedisCache::get(const std::vector<Scope>& scopes) {
    const auto pieces = run_in_pieces(m_redis, scopes, [this](const std::vector<Scope>& together) {
        RedisCommand command = {together.size() == 1 ? "GET" : "MGET"};
        std::ranges::transform(together, std::back_inserter(command),
                               [this](const Scope& scope) { return key(scope); });
        return command;
    });
    Counts counts;
    for (const auto& [asked, reply] : pieces) {
        const auto& values = asked.size() == 1 ? std::vector{reply} : reply.list;
        for (std::size_t i = 0; i < asked.size(); ++i) {
            if (const auto count = count_in(asked[i], values[i])) {
                counts.emplace_hint(counts.end(), asked[i], *count); // a list comes in order
            }
        }
    }
    return counts;
}

std::vector<Claim> RedisCache::acquire(const std::vector<CountRequest>& requests, Purpose purpose) {
    m_reader = {random_token(), m_origin(), purpose};
    std::vector<CountRequest> of_customers;
    std::ranges::copy_if(
        requests, std::back_inserter(of_customers),
        [](const CountRequest& request) { return request.scope.customer.has_value(); });
    auto leases = m_leases.acquire(m_reader, of_customers);
    std::vector<Claim> claims;
    auto lease = leases.begin();
    for (const CountRequest& request : requests) {
        claims.push_back(request.scope.customer ? std::move(*lease++)
                                                : m_ledger.acquire(m_reader, request.earlier));
    }
    return claims;
}

void RedisCache::renew(const std::vector<Scope>& scopes) {
    m_leases.renew(m_reader, customers_in(scopes));
    if (has_total(scopes)) {
        m_ledger.renew(m_reader);
    }
}

void RedisCache::release(const std::vector<Scope>& scopes) {
    const Deadline deadline = Deadline::in(k_release_timeout);
    m_leases.release(m_reader, customers_in(scopes), deadline);
    if (has_total(scopes)) {
        m_ledger.release(m_reader, deadline);
    }
}

void RedisCache::share(const Scope& scope, std::int64_t count) {
    const Deadline deadline = Deadline::in(k_release_timeout);
    if (scope.customer) {
        m_leases.share(m_reader, scope, count, deadline);
    } else {
        m_ledger.share(m_reader, count, deadline);
    }
}

Counts RedisCache::fill(const Counts& customers) {
    return m_leases.fill(m_reader, customers, m_time_to_live);
}

bool RedisCache::fill_total(std::int64_t count, const std::string& snapshot,
                            const std::vector<std::uint32_t>& writers,
                            const std::function<bool()>& has_run) {
    return m_ledger.fill(m_reader, count, m_time_to_live, snapshot, writers, has_run);
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

void RedisCache::apply_external(const std::vector<TransactionDelta>& others) {
    m_ledger.apply_external(others);
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
    RedisCommand deletion = {"DEL"};
    std::ranges::move(m_names.keys_of_total(), std::back_inserter(deletion));
    return m_redis.run({{"EXISTS", key(k_all_orders)}, deletion}).front().integer;
}

/// For each customer a DEL of the lease, then for each one of the value. An answer stays, for it is
/// given only to readers that asked before it was counted.
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

std::optional<std::int64_t> RedisCache::count_in(const Scope& scope, const RedisReply& value) {
    const auto cached = cached_value_in(value);
    if (!cached) {
        return std::nullopt;
    }
    if (!cached->count) {
        m_reporter.warn(
            fmt::format("the value of {} in Redis is not a count; computing it anew", key(scope)));
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
