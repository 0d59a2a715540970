#pragma once

#include "postgres/poll_answer.hpp"
#include "postgres/session.hpp"

#include <optional>
#include <stdexcept>
#include <string>

/// What a follower asks of the tables and functions that follow_sql.hpp installs.
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
/// another follower is at work. Throws NotSetUp and SessionFailure.
std::optional<FollowerTokens> take_over(PostgresSession& session);

/// The first piece of a poll.
struct FirstPiece {
    PollAnswer answer;
    bool is_open;  ///< The transaction of the poll is open: its end forgets the changes.
    bool has_more; ///< next_piece() may tell more.
};

/// Polls once. Throws NotSetUp, SessionFailure and UnexpectedReply.
FirstPiece poll_once(PostgresSession& session);

struct NextPiece {
    PollAnswer answer;
    bool has_more;
};

/// Returns the next piece of a poll. Throws SessionFailure and UnexpectedReply.
NextPiece next_piece(PostgresSession& session);

} // namespace ordercache
