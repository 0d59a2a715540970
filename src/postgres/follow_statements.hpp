#pragma once

#include "cache_aside/change_feed.hpp"
#include "postgres/session.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

/// What a follower asks of the tables and functions that follow_sql.hpp installs. Every function
/// that takes a session throws SessionFailure, and UnexpectedReply.
namespace ordercache {

/// Thrown if the database lacks what a follower needs; what() says what it lacks.
class NotSetUp : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The new follower's token, and the one that it replaced; empty if there was none.
struct FollowerTokens {
    std::string ours;
    std::string former;
};

/// Takes over from the last follower, and deletes the changes that were noted. Returns nullopt if
/// another follower is at work. Throws NotSetUp for another version or view.
std::optional<FollowerTokens> take_over(PostgresSession& session);

/// A piece of the answer of the function poll(): follow_poll.sql explains its rows. Only the
/// changes may go on in later pieces.
struct PollAnswer {
    Changes changes;
    bool is_last = true;    ///< No piece follows.
    bool is_busy = false;   ///< Another follower's poll is under way; the rest is empty.
    bool is_full = false;   ///< The table of changes has reached its limit.
    std::string token;      ///< The token of the last follower; empty if a crash removed it.
    std::string tables;     ///< A fingerprint of orders, its parts, triggers and policies.
    std::int64_t bytes = 0; ///< The size of the table of changes.
    std::set<std::string> prepared; ///< Prepared transactions that wrote orders.
    std::set<std::string> unnoted;  ///< Transactions whose changes are not noted.
    bool must_count = false;        ///< The known total can be counted anew, and must be.
    std::string unfit;              ///< Why the triggers cannot be relied on, or empty.

    /// The transaction of the poll is open, and its COMMIT forgets the changes.
    bool is_open() const { return !is_last || !changes.empty(); }
};

/// Polls, and returns the first piece.
PollAnswer first_piece(PostgresSession& session);

/// Counts the known total anew, unless the follower of `token` may not. Call it when a poll said
/// that it must, and after that poll's end; other polls may go on meanwhile, on another session.
void count_anew(PostgresSession& session, const std::string& token);

/// Returns the next piece.
PollAnswer next_piece(PostgresSession& session);

/// Throws NotSetUp if a function above failed because the database is not set up, and
/// SessionFailure in better words if it is a standby.
void explain_not_set_up(const SessionFailure& failure);

} // namespace ordercache
