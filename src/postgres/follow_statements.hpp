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

struct PollPiece {
    PollAnswer answer;
    bool is_last; ///< There is no other piece.
};

/// Polls, and returns the first piece. Unless it is the last one and tells no changes, a
/// transaction is open then, and its COMMIT forgets the changes. Throws NotSetUp, SessionFailure
/// and UnexpectedReply.
PollPiece first_piece(PostgresSession& session);

/// Returns the next piece. Throws SessionFailure and UnexpectedReply.
PollPiece next_piece(PostgresSession& session);

} // namespace ordercache
