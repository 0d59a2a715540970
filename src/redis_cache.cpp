#include "redis_cache.hpp"

#include <fmt/format.h>

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <set>
#include <system_error>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

/// Beside the user's limit: giving a lease up also works when that has passed.
constexpr std::chrono::milliseconds k_release_timeout = 500ms;

/// Enough to make a pipeline's round trip cheap, and few enough to hold in memory.
constexpr std::size_t k_pipeline_scopes = 1000;

// Counts travel as strings: Lua turns large numbers into floats.
// KEYS: lease, value, lease, value … ARGV: token, seconds to live, count, count …
constexpr auto k_fill = R"lua(
for i = 1, #KEYS, 2 do
  if redis.call('GET', KEYS[i]) == ARGV[1] then
    redis.call('SET', KEYS[i + 1], ARGV[(i + 1) / 2 + 2], 'EX', ARGV[2])
    redis.call('DEL', KEYS[i])
  end
end)lua";

// KEYS: leases. ARGV: token, milliseconds.
constexpr auto k_renew = R"lua(
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then
    redis.call('PEXPIRE', lease, ARGV[2])
  end
end)lua";

// KEYS: leases. ARGV: token.
constexpr auto k_release = R"lua(
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then
    redis.call('DEL', lease)
  end
end)lua";

std::string random_token() {
    std::array<unsigned char, 16> bits{};
    std::size_t filled = 0;
    while (filled < bits.size()) {
        const ssize_t got = getrandom(bits.data() + filled, bits.size() - filled, 0);
        if (got < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "getrandom");
        }
        filled += got < 0 ? 0 : static_cast<std::size_t>(got);
    }
    std::string token;
    for (const unsigned char byte : bits) {
        token += fmt::format("{:02x}", byte);
    }
    return token;
}

std::optional<std::int64_t> parse_count(std::string_view text) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const bool is_count = error == std::errc{} && end == text.data() + text.size() && count >= 0;
    return is_count && text.front() != '-' ? std::optional(count) : std::nullopt;
}

bool is_wrong_type(const RedisReply& reply) {
    return reply.kind == RedisReply::Kind::error && reply.text.starts_with("WRONGTYPE");
}

template <typename Act>
void in_pieces(const std::vector<Scope>& scopes, Act act) {
    for (std::size_t begin = 0; begin < scopes.size(); begin += k_pipeline_scopes) {
        const std::size_t end = std::min(begin + k_pipeline_scopes, scopes.size());
        act(std::vector<Scope>(scopes.begin() + static_cast<std::ptrdiff_t>(begin),
                               scopes.begin() + static_cast<std::ptrdiff_t>(end)));
    }
}

} // namespace

RedisCache::RedisCache(RedisService service, TimeLimit limit, KeyNames names,
                       std::chrono::seconds time_to_live, Journal& journal)
    : m_redis(std::move(service), limit), m_names(std::move(names)), m_time_to_live(time_to_live),
      m_journal(journal) {}

std::vector<std::optional<std::int64_t>> RedisCache::get(const std::vector<Scope>& scopes) {
    RedisCommand command = {scopes.size() == 1 ? "GET" : "MGET"};
    for (const Scope& scope : scopes) {
        command.push_back(key(scope));
    }
    auto replies = run({command});
    const auto& values = scopes.size() == 1 ? replies : replies.front().list;
    std::vector<std::optional<std::int64_t>> counts;
    counts.reserve(scopes.size());
    for (std::size_t i = 0; i < scopes.size(); ++i) {
        counts.push_back(count_in(scopes[i], values.at(i)));
    }
    return counts;
}

std::vector<Claim> RedisCache::acquire(const std::vector<Scope>& scopes) {
    const auto lease_time = std::to_string(k_lease_time.count());
    std::vector<RedisCommand> commands;
    for (const Scope& scope : scopes) {
        commands.push_back({"SET", m_names.lease(scope), token(), "NX", "PX", lease_time});
        commands.push_back({"GET", key(scope)});
    }
    const auto replies = run(commands);
    std::vector<Claim> claims;
    for (std::size_t i = 0; i < replies.size(); i += 2) {
        claims.push_back(
            {replies[i].kind == RedisReply::Kind::text, parse_count(replies[i + 1].text)});
    }
    return claims;
}

void RedisCache::take(const std::vector<Scope>& scopes) {
    const auto lease_time = std::to_string(k_lease_time.count());
    std::vector<RedisCommand> commands;
    for (const Scope& scope : scopes) {
        commands.push_back({"SET", m_names.lease(scope), token(), "PX", lease_time});
    }
    run(commands);
}

void RedisCache::renew(const std::vector<Scope>& scopes) {
    run_script(k_renew, lease_keys(scopes), {token(), std::to_string(k_lease_time.count())});
}

void RedisCache::release(const std::vector<Scope>& scopes) {
    run_script(k_release, lease_keys(scopes), {token()}, Deadline::in(k_release_timeout));
}

void RedisCache::fill(const Counts& counts) {
    std::vector<std::string> keys;
    std::vector<std::string> arguments = {token(), std::to_string(m_time_to_live.count())};
    for (const auto& [scope, count] : counts) {
        keys.push_back(m_names.lease(scope));
        keys.push_back(key(scope));
        arguments.push_back(std::to_string(count));
    }
    run_script(k_fill, keys, arguments);
}

std::int64_t RedisCache::drop(const std::vector<Scope>& scopes) {
    std::int64_t dropped = 0;
    in_pieces(scopes, [&](const std::vector<Scope>& piece) {
        std::vector<RedisCommand> commands;
        for (const Scope& scope : piece) {
            commands.push_back({"DEL", m_names.lease(scope)});
        }
        for (const Scope& scope : piece) {
            commands.push_back({"DEL", key(scope)});
        }
        const auto replies = run(commands);
        for (std::size_t i = piece.size(); i < replies.size(); ++i) {
            dropped += replies[i].integer;
        }
    });
    return dropped;
}

std::int64_t RedisCache::drop_all() {
    delete_all(m_names.lease_pattern(), &KeyNames::is_lease);
    return delete_all(m_names.value_pattern(), &KeyNames::is_value);
}

std::int64_t RedisCache::cached(const std::vector<Scope>& scopes) {
    std::vector<RedisCommand> commands;
    for (const Scope& scope : scopes) {
        commands.push_back({"EXISTS", key(scope)});
    }
    std::int64_t cached = 0;
    for (const RedisReply& reply : run(commands)) {
        cached += reply.integer;
    }
    return cached;
}

std::int64_t RedisCache::cached_of_all() {
    std::set<std::string> seen; // a scan may show a key twice
    scan(m_names.value_pattern(), &KeyNames::is_value,
         [&](const std::vector<std::string>& keys) { seen.insert(keys.begin(), keys.end()); });
    return static_cast<std::int64_t>(seen.size());
}

std::optional<std::chrono::seconds> RedisCache::time_left(const Scope& scope) {
    constexpr std::int64_t not_there = -2;
    const std::int64_t left = run({{"PTTL", key(scope)}}).front().integer;
    if (left == not_there) {
        return std::nullopt;
    }
    return left < 0 ? std::chrono::seconds(left)
                    : std::chrono::ceil<std::chrono::seconds>(std::chrono::milliseconds(left));
}

/// As the client's, but throws where a reply is an error; WRONGTYPE is a value's, for its reader.
std::vector<RedisReply> RedisCache::run(const std::vector<RedisCommand>& commands,
                                        std::optional<Deadline> deadline) {
    auto replies = m_redis.run(commands, deadline);
    for (std::size_t i = 0; i < replies.size(); ++i) {
        if (replies[i].kind == RedisReply::Kind::error && !is_wrong_type(replies[i])) {
            throw m_redis.refusal(commands[i].front(), replies[i].text);
        }
    }
    return replies;
}

void RedisCache::run_script(const char* script, const std::vector<std::string>& keys,
                            const std::vector<std::string>& arguments,
                            std::optional<Deadline> deadline) {
    RedisCommand command = {"EVAL", script, std::to_string(keys.size())};
    command.insert(command.end(), keys.begin(), keys.end());
    command.insert(command.end(), arguments.begin(), arguments.end());
    run({command}, deadline);
}

std::optional<std::int64_t> RedisCache::count_in(const Scope& scope, const RedisReply& value) {
    if (value.kind == RedisReply::Kind::nil) {
        return std::nullopt;
    }
    const auto count = is_wrong_type(value) ? std::nullopt : parse_count(value.text);
    if (!count) {
        m_journal.warn(
            fmt::format("the value of {} in Redis is no count; computing it anew", key(scope)));
    }
    return count;
}

std::vector<std::string> RedisCache::lease_keys(const std::vector<Scope>& scopes) const {
    std::vector<std::string> keys;
    for (const Scope& scope : scopes) {
        keys.push_back(m_names.lease(scope));
    }
    return keys;
}

void RedisCache::scan(const std::string& pattern, KeyTest test,
                      const std::function<void(const std::vector<std::string>&)>& visit) {
    std::string cursor = "0";
    do {
        const auto page = run({{"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"}}).front().list;
        std::vector<std::string> keys;
        for (const RedisReply& key : page.at(1).list) {
            if ((m_names.*test)(key.text)) {
                keys.push_back(key.text);
            }
        }
        visit(keys);
        cursor = page.at(0).text;
    } while (cursor != "0");
}

std::int64_t RedisCache::delete_all(const std::string& pattern, KeyTest test) {
    std::int64_t deleted = 0;
    scan(pattern, test, [&](const std::vector<std::string>& keys) {
        std::vector<RedisCommand> commands;
        for (const std::string& key : keys) {
            commands.push_back({"DEL", key});
        }
        for (const RedisReply& reply :
             commands.empty() ? std::vector<RedisReply>{} : run(commands)) {
            deleted += reply.integer;
        }
    });
    return deleted;
}

const std::string& RedisCache::token() {
    if (m_token.empty()) {
        m_token = random_token();
    }
    return m_token;
}

} // namespace ordercache
