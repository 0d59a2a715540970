#pragma once

#include "base/error.hpp"
#include "cache_aside/count_cache.hpp"
#include "cache_aside/scope.hpp"

#include <functional>
#include <string>
#include <vector>

namespace ordercache {

/// What other programs changed.
struct Changes {
    /// By how many orders each transaction changed the total. All of them are visible. One that
    /// changed it by 0 is left out.
    std::vector<TransactionDelta> transactions = {};

    /// The counts that changed by an unknown number: customers' counts, and the total if row
    /// security or a partition that is being detached makes its change uncertain.
    std::vector<Scope> scopes = {};

    bool empty() const { return transactions.empty() && scopes.empty(); }
};

/// The database cannot report all changes, and trying again does not help. The message says what to
/// do.
class NotFollowed : public Error {
public:
    explicit NotFollowed(const std::string& message) : Error(ErrorKind::store_failed, message) {}
};

/// What a poll found.
enum class PollEnd {
    complete, ///< All changes that were visible when it began were passed.
    busy,     ///< Another follower may be at work: nothing was passed.
    lost      ///< Some changes may be lost: nothing was passed. Call start() now.
};

/// The changes of orders that other programs make, as PostgreSQL notes them. Every function throws
/// Error (store_failed) or NotFollowed if it fails, or what its argument throws. After an
/// exception, use a new feed: it passes again what was not forgotten.
class ChangeFeed {
public:
    virtual ~ChangeFeed() = default;

    /// Takes over from the last follower. Calls `drop_all`, which drops all cached counts, and then
    /// forgets what was noted before that call. Returns false if another follower is at work.
    virtual bool start(const std::function<void()>& drop_all) = 0;

    /// Passes to `handle` what was noted since the last call, in pieces, and then forgets it.
    virtual PollEnd poll(const std::function<void(const Changes&)>& handle) = 0;
};

} // namespace ordercache
