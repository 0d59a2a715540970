#include "redis/contents.hpp"

#include "redis/claim_reply.hpp"
#include "redis/key_scan.hpp"
#include "redis/pieces.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace ordercache {

std::vector<std::optional<CachedValue>> RedisContents::values(const std::vector<Scope>& scopes) {
    std::vector<std::optional<CachedValue>> values;
    in_pieces(scopes, k_pipeline_scopes, [&](const std::vector<Scope>& piece) {
        std::vector<RedisCommand> commands;
        for (const Scope& scope : piece) {
            commands.push_back({"GET", m_names.value(scope)}); // MGET would hide another type
        }
        std::ranges::transform(m_redis.run(commands), std::back_inserter(values), cached_value_in);
    });
    return values;
}

std::vector<Scope> RedisContents::scopes() {
    std::vector<Scope> scopes;
    scan_keys(m_redis.primaries(), m_names.value_pattern(), [&](const auto& keys) {
        for (const std::string& key : keys) {
            if (const auto scope = m_names.scope_of_value(key)) {
                scopes.push_back(*scope);
            }
        }
    });
    return without_repeats(std::move(scopes)); // a scan may find a key twice
}

bool RedisContents::has_ledger() {
    return m_redis.run({{"EXISTS", m_names.ledger()}}).front().integer == 1;
}

std::optional<std::chrono::seconds> RedisContents::time_left(const Scope& scope) {
    constexpr std::int64_t not_there = -2;
    const std::int64_t left = m_redis.run({{"PTTL", m_names.value(scope)}}).front().integer;
    if (left == not_there) {
        return std::nullopt;
    }
    return left < 0 ? std::chrono::seconds(left)
                    : std::chrono::ceil<std::chrono::seconds>(std::chrono::milliseconds(left));
}

} // namespace ordercache
