#pragma once

#include "base/error.hpp"
#include "cache_aside/count_cache.hpp"
#include "cache_aside/scope.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// What others changed.
struct Changes {
    /// By how many orders each changed the total. All are visible; one by none is left out.
    std::vector<TransactionDelta> transactions = {};

    /// Whose counts changed nobody knows by how much: customers', and the total where not everybody
    /// who counts sees all orders.
    std::vector<Scope> scopes = {};

    bool empty() const { return transactions.empty() && scopes.empty(); }
};

/// The database cannot tell of all changes, and trying again will not help. The message says what
/// to do.
class NotFollowed : public Error {
public:
    explicit NotFollowed(const std::string& message) : Error(ErrorKind::store_failed, message) {}
};

/// The changes of orders that others make, as PostgreSQL notes them down. What start() or poll()
/// told is told again unless it was acknowledged. Every function throws Error (store_failed) when
/// it fails, and is of no more use then, and NotFollowed.
class ChangeFeed {
public:
    virtual ~ChangeFeed() = default;

    /// Takes the place of whoever followed before, forgets what was noted down, and tells of what
    /// was noted since. Only a count that is made after this may be kept: the caller drops all
    /// others. Absent: somebody else follows, and goes on.
    virtual std::optional<Changes> start() = 0;

    /// What was noted down since. Absent: some of it may be lost, and all must start anew.
    virtual std::optional<Changes> poll() = 0;

    /// Forgets what start() or poll() told, which the cache has by now. Wanted after each of them
    /// that told something, be it nothing new.
    virtual void acknowledge() = 0;
};

} // namespace ordercache
