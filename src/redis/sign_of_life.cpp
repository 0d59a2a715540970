#include "redis/cache.hpp"

#include "base/uri.hpp"
#include "base/whole_number.hpp"
#include "redis/reply_check.hpp"
#include "redis/scripts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

/// How long a sign of life holds (redis/lua/common.lua).
constexpr std::chrono::milliseconds k_lifetime = 2s;

/// The number of milliseconds in one of the two words of `followed`, or 0.
std::chrono::milliseconds time_in(std::string_view word) {
    return std::chrono::milliseconds(parse_whole_number(word).value_or(0));
}

/// A sign of life that expires later than it can is from a clock that has been set back.
bool is_alive(const RedisReply& left) {
    return left.integer >= 0 && std::chrono::milliseconds(left.integer) <= k_lifetime;
}

/// `now` is by Redis's clock. The last poll of a follower that is gone began a little before its
/// last sign.
std::optional<FollowerState> follower_in(std::span<const RedisReply> replies,
                                         std::chrono::milliseconds now) {
    const RedisReply& left = replies[0];
    const RedisReply& followed = replies[1];
    if (followed.kind == RedisReply::Kind::nil) {
        return std::nullopt;
    }
    const auto last_sign = time_in(cut(followed.text, ' ').before);
    const auto last_poll = is_alive(left) ? k_lifetime - std::chrono::milliseconds(left.integer)
                                          : std::max(now - last_sign, 0ms);
    return FollowerState{is_alive(left), last_poll,
                         std::chrono::system_clock::time_point(last_sign)};
}

} // namespace

/// Goes before the question for values: a value that is read after `alive` has everything that this
/// sign of life speaks of.
std::vector<RedisCommand> RedisCache::follower_question() const {
    return {{"PTTL", m_names.alive()}, {"GET", m_names.followed()}};
}

/// In a cluster, a value may have been read before `alive`, which must have been there since the
/// question was asked.
bool RedisCache::is_vouched_for(std::span<const RedisReply> follower, Clock::time_point asked) {
    const RedisReply& followed = follower[1];
    if (followed.kind == RedisReply::Kind::nil) {
        m_is_abandoned = false;
        return true;
    }
    if (!std::exchange(m_is_abandoned, !is_alive(follower[0])) && m_is_abandoned) {
        m_reporter.warn(fmt::format("the follower of {} is gone: counting anew; start it again, or "
                                    "run ordercache invalidate if there is to be none",
                                    m_names.prefix()));
    }
    const auto time_without_gap = time_in(cut(followed.text, ' ').after.value_or(""));
    return !m_is_abandoned && (!m_redis.is_cluster() || time_without_gap > Clock::now() - asked);
}

void RedisCache::vouch(Clock::time_point moment) {
    if (!m_clock_lead) {
        give_sign(0ms); // learns Redis's clock
    }
    give_sign(std::chrono::floor<std::chrono::milliseconds>(moment.time_since_epoch()) +
              *m_clock_lead);
}

/// When the reply is here, Redis's clock shows at least the time in it.
void RedisCache::give_sign(std::chrono::milliseconds moment) {
    const auto reply =
        m_redis.run_if_primaries({"EVAL", scripts::k_follower_sign, "2", m_names.followed(),
                                  m_names.alive(), std::to_string(moment.count())});
    m_clock_lead = std::chrono::milliseconds(reply.integer) -
                   std::chrono::ceil<std::chrono::milliseconds>(Clock::now().time_since_epoch());
}

CacheActivity RedisCache::activity() {
    auto commands = follower_question();
    commands.push_back({"EVAL", scripts::k_total_activity, "1", m_names.ledger()});
    const auto replies = m_redis.run(commands);
    const auto& total = replies[2].list;
    if (total.size() != 3) {
        throw unexpected_reply(m_redis.service(), "EVAL");
    }
    return {follower_in(replies, std::chrono::milliseconds(total[0].integer)), total[1].integer,
            total[2].integer == 1};
}

void RedisCache::end_following() {
    m_redis.run({{"DEL", m_names.followed(), m_names.alive()}});
}

} // namespace ordercache
