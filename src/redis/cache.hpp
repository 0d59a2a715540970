#pragma once

#include "base/reporter.hpp"
#include "cache_aside/count_cache.hpp"
#include "redis/key_names.hpp"
#include "redis/router.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace ordercache {

/// What is known of the follower that is in charge.
struct FollowerState {
    bool is_alive;
    std::chrono::milliseconds last_poll;             ///< How long ago the last complete poll began.
    std::chrono::system_clock::time_point last_sign; ///< By Redis's clock.
};

/// What goes on beside the values.
struct CacheActivity {
    /// nullopt if no follower has been in charge since the last end_following().
    std::optional<FollowerState> follower;
    std::int64_t adds_in_flight; ///< That the total's ledger knows of.
    bool total_is_being_counted;
};

/// The counts in Redis: plain decimal strings with an expiry, under keys that other programs
/// share. The rights to store one are leases and a ledger, whose steps are scripts: src/redis/lua.
class RedisCache : public CountCache {
public:
    /// Returns a word without blanks that names the PostgreSQL service. Called when a right to
    /// count is acquired or a count is shared.
    using Origin = std::function<std::string()>;

    /// Warns if a value is not a count, and takes it for a miss. `reporter` must outlive this
    /// object.
    RedisCache(RedisRouter redis, KeyNames names, std::chrono::seconds time_to_live,
               Reporter& reporter, Origin origin);

    /// Connects now, for a command that cannot go on without Redis.
    void connect() { m_redis.connect(); }

    std::string key(const Scope& scope) const override { return m_names.value(scope); }
    std::optional<Counts> get(const std::vector<Scope>& scopes) override;
    std::vector<std::optional<CachedValue>> values(const std::vector<Scope>& scopes) override;
    bool has_ledger() override;
    Claims acquire(const Claims& claims, Purpose purpose) override;
    void renew(const std::vector<Scope>& scopes) override;
    void release(const std::vector<Scope>& scopes) override;
    void share(const Scope& scope, std::int64_t count) override;
    Counts fill(const Counts& customers) override;
    bool fill_total(std::int64_t count, const std::string& snapshot,
                    const std::vector<std::uint32_t>& writers,
                    const std::function<bool()>& has_run) override;
    bool begin_write(const WriteId& write, std::int64_t orders,
                     const std::vector<Scope>& customers) override;
    void end_write(const WriteId& write, TransactionStatus status) override;
    void apply_external(const std::vector<TransactionDelta>& others) override;
    void vouch(std::chrono::steady_clock::time_point moment) override;
    std::int64_t drop(const std::vector<Scope>& scopes) override;
    std::int64_t drop_all() override;
    std::chrono::seconds time_to_live() const override { return m_time_to_live; }

    /// Returns the scopes that have a value, sorted.
    std::vector<Scope> scopes();

    /// Returns how long the count has left to live, rounded up: negative if it never expires,
    /// nullopt if it is not cached.
    std::optional<std::chrono::seconds> time_left(const Scope& scope);

    CacheActivity activity();

    /// From now on, no follower is in charge, until one gives a sign of life.
    void end_following();

private:
    struct Step;
    using Arguments = std::vector<std::string>;
    using Clock = std::chrono::steady_clock;

    std::vector<RedisReply>
    run_in_pieces(const std::vector<Scope>& scopes,
                  const std::function<RedisCommand(const std::vector<Scope>&)>& command_for,
                  std::optional<Deadline> deadline = std::nullopt,
                  const std::vector<RedisCommand>& first = {});
    RedisCommand eval(const Step& step, const std::vector<Scope>& scopes,
                      const Arguments& arguments) const;
    std::vector<RedisReply>
    run_for_each(const Step& step, const std::vector<Scope>& scopes, const Arguments& arguments,
                 const std::function<std::string(const Scope&)>& argument_for);
    void run(const Step& step, const std::vector<Scope>& scopes, const Arguments& arguments,
             std::optional<Deadline> deadline = std::nullopt);
    RedisReply run_on_total(const char* script, const Arguments& arguments,
                            std::optional<Deadline> deadline = std::nullopt);
    std::vector<RedisCommand> follower_question() const;
    bool is_vouched_for(std::span<const RedisReply> follower, Clock::time_point asked);
    void give_sign(std::chrono::milliseconds moment);
    std::optional<std::int64_t> count_in(const Scope& scope, const RedisReply& value);
    std::int64_t delete_all(const std::set<RedisServer*>& servers, const KeyForm& form);
    std::int64_t drop_total();
    std::vector<RedisCommand> drop_commands(const std::vector<Scope>& customers) const;

    RedisRouter m_redis;
    KeyNames m_names;
    std::chrono::seconds m_time_to_live;
    Reporter& m_reporter;
    Origin m_origin;

    // Of the last acquire(). Each call has a new token, so that a delayed fill is refused.
    std::string m_token;
    Purpose m_purpose = Purpose::read;

    bool m_is_abandoned = false; ///< As the last get() found it.

    /// By how much Redis's clock was ahead of ours, at least.
    std::optional<std::chrono::milliseconds> m_clock_lead;
};

} // namespace ordercache
