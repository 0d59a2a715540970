#pragma once

#include "base/error.hpp"
#include "base/reporter.hpp"
#include "base/status_line.hpp"
#include "base/waiting.hpp"
#include "cache_aside/count_cache.hpp"
#include "cache_aside/order_store.hpp"
#include "cache_aside/scope.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ordercache {

/// Returns counts from the store alone, in the order of `scopes`.
std::vector<std::int64_t> counts_from_store(OrderStore& store, const std::vector<Scope>& scopes,
                                            Reporter& reporter);

/// The reader's part of the protocol (cache_aside.hpp).
class CountReader {
public:
    /// Calls `store` only if the cache does not have the answer. `cache`, `reporter` and the store
    /// must outlive this object. `limit` bounds a wait for another reader's count. An exception
    /// from `pause` ends the wait.
    CountReader(CountCache& cache, std::function<OrderStore&()> store, Reporter& reporter,
                TimeLimit limit, Pause pause = pause_for);

    /// Returns the counts from the cache, in the order of `scopes`. If one is not there, or a
    /// follower is gone that should watch it, counts in the store and caches the count. A refresh
    /// takes no count that was cached or under way before the call. If the cache fails, warns and
    /// counts in the store. Throws Error (store_failed) if the store fails, or if another reader's
    /// count takes longer than the user will wait.
    std::vector<std::int64_t> counts(const std::vector<Scope>& scopes,
                                     Purpose purpose = Purpose::read);

private:
    Counts cached_or_counted(const std::vector<Scope>& scopes);
    Counts resolve(const std::vector<Scope>& scopes, Purpose purpose);
    Counts counts_in(const Claims& claims);
    Error waited_too_long(const Scope& scope, const Claim& claim) const;
    Counts count_and_fill(const std::vector<Scope>& scopes, OrderStore& store, StatusLine& status);
    void give_up(const std::vector<Scope>& scopes);
    Counts fill(const Probe& probe, const Counted& counted);
    void release(const Probe& probe, const Counted& counted, const Counts& stored);
    bool settle(const Claims& claims, OrderStore& store);
    void with_cache(const std::function<void()>& act);
    void leave_cache(const std::string& warning);
    void note_count(const char* what, const Scope& scope, std::int64_t count);

    CountCache& m_cache;
    std::function<OrderStore&()> m_store;
    Reporter& m_reporter;
    TimeLimit m_limit;
    Pause m_pause;
    bool m_cache_failed = false;     ///< During the current question.
    bool m_cache_had_failed = false; ///< During the question before it.
};

} // namespace ordercache
