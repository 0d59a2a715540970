#pragma once

#include "base/error.hpp"
#include "postgres/session.hpp"

#include <optional>
#include <string>
#include <string_view>

/// What PostgreSQL and libpq say of a failure, in one line for the user. PostgreSQL speaks the
/// language of its lc_messages: what is decided here goes by the SQLSTATE, and by the names and
/// values that no language changes.
namespace ordercache {

/// Reads libpq's message, in which the server's first line has its SQLSTATE, as in
/// `ERROR:  42P01: relation "orders" does not exist`.
SessionFailure parse_failure(std::string_view message);

/// Why a statement failed, with advice if there is no table `orders`.
std::string reason_of_failure(const SessionFailure& failure);

struct Verdict {
    ErrorKind kind;
    std::string reason;
};

/// What a failed statement means: `rejected` if PostgreSQL judged the order and refused it, `usage`
/// if no retry helps, else `store_failed`.
Verdict judge(const SessionFailure& failure);

/// What is known of an attempt to connect.
struct Attempt {
    bool needs_password = false; ///< The server asked for a password, and there is none.
    bool is_local = false;       ///< It was made over a local socket.
    bool declines_tls = false;   ///< The user's sslmode does.
};

/// Why there is no connection: libpq's reason for each address, and advice by the cause.
NoConnection explain_no_connection(std::string_view message, Attempt attempt);

/// If libpq refused a parameter's value, and so did not connect: its words, without the value.
std::optional<std::string> refused_setting(std::string_view message);

} // namespace ordercache
