#pragma once

#include "cache_aside/change_feed.hpp"
#include "postgres/rows.hpp"

#include <cstdint>
#include <set>
#include <string>

namespace ordercache {

/// A piece of what the function poll() of follow_poll.sql tells, which explains its rows. All but
/// the changes is in the first piece.
struct PollAnswer {
    /// Throws UnexpectedReply if the rows are not such rows.
    explicit PollAnswer(const Rows& rows);

    Changes changes;
    bool is_busy = false;   ///< Another follower's poll is under way; nothing else is told.
    bool is_full = false;   ///< The table of changes has reached its limit.
    std::string token;      ///< The token of the last follower; empty if a crash removed it.
    std::string tables;     ///< A fingerprint of orders, its parts, triggers and policies.
    std::int64_t bytes = 0; ///< The size of the table of changes.
    std::set<std::string> prepared; ///< Prepared transactions that wrote orders.
    std::set<std::string> unnoted;  ///< Transactions whose changes are not noted.
    std::string unfit;              ///< Why the triggers cannot be relied on, or empty.

private:
    void add(const Row& row);
};

} // namespace ordercache
