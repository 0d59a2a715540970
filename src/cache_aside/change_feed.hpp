#pragma once

#include "base/error.hpp"
#include "cache_aside/count_cache.hpp"
#include "cache_aside/scope.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// What other programs changed.
struct Changes {
    /// By how many orders each transaction changed the total. All of them are visible. One that
    /// changed it by 0 is left out.
    std::vector<TransactionDelta> transactions = {};

    /// The counts of which it is not known by how much they changed: those of customers, and the
    /// total if not every reader sees all orders.
    std::vector<Scope> scopes = {};

    bool empty() const { return transactions.empty() && scopes.empty(); }
};

/// The database cannot tell all changes, and trying again does not help. The message says what to
/// do.
class NotFollowed : public Error {
public:
    explicit NotFollowed(const std::string& message) : Error(ErrorKind::store_failed, message) {}
};

/// The changes of orders that other programs make, as PostgreSQL notes them. start() and poll()
/// return the first piece of them, and next() the others. All of that is told again unless it is
/// acknowledged. Every function throws Error (store_failed) or NotFollowed if it fails, and only a
/// new feed helps then.
class ChangeFeed {
public:
    virtual ~ChangeFeed() = default;

    /// Takes over from the last follower, forgets what was noted, and returns what was noted since.
    /// The caller drops all cached counts, since only a count that is made after this call may be
    /// kept. Returns nullopt if another follower is at work.
    virtual std::optional<Changes> start() = 0;

    /// Returns what was noted since the last call, or nullopt if some of it may be lost: call
    /// start() then.
    virtual std::optional<Changes> poll() = 0;

    /// Returns the next piece, or nullopt after the last one.
    virtual std::optional<Changes> next() = 0;

    /// Forgets what start() or poll() and next() told. Call it when the cache has it all.
    virtual void acknowledge() = 0;
};

} // namespace ordercache
