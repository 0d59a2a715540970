#pragma once

#include "cache_aside/change_feed.hpp"
#include "cache_aside/scope.hpp"
#include "postgres/rows.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace ordercache {

/// What the function poll() of follow_poll.sql tells, which explains its rows. All but the changes
/// are in the first piece of an answer.
struct PollAnswer {
    /// Throws UnexpectedReply if the rows are not such rows.
    explicit PollAnswer(const Rows& rows);

    std::vector<TransactionDelta> transactions;
    std::vector<Scope> customers;
    bool is_busy = false;    ///< Another follower's poll is under way; nothing else is told.
    bool is_full = false;    ///< The table of changes has reached its limit.
    bool is_partial = false; ///< The numbers of orders say too much.
    std::string token;       ///< The token of the last follower; empty if a crash removed it.
    std::string tables;      ///< A fingerprint of orders, its parts, triggers and policies.
    std::int64_t bytes = 0;  ///< The size of the table of changes.
    std::set<std::string> prepared; ///< Prepared transactions that wrote orders.
    std::set<std::string> unnoted;  ///< Transactions whose changes are not noted.
    std::string missing;            ///< A table whose changes are not noted, or empty.
    std::string stray; ///< A table that is not a part of orders, and whose changes are; or empty.

    bool tells_changes() const { return !transactions.empty() || !customers.empty(); }

private:
    void add(const Row& row);
};

/// Returns the changes that a piece of an answer tells. If `is_partial`, the total is among the
/// counts of which it is not known by how much they changed.
Changes changes_of(const PollAnswer& piece, bool is_partial);

} // namespace ordercache
