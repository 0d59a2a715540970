#pragma once

#include "base/error.hpp"
#include "postgres/orders_view.hpp"
#include "postgres/session.hpp"

#include <optional>
#include <string>
#include <string_view>

/// What PostgreSQL and libpq say of a failure, in one line for the user. PostgreSQL writes in the
/// language of its lc_messages. So decisions depend on the SQLSTATE, and on names and values that
/// are the same in every language.
namespace ordercache {

/// Returns whether the text contains the piece, which is not empty: a message a word, a list of
/// SQLSTATEs one of them.
bool has(std::string_view text, std::string_view piece);

/// Reads libpq's message, in which the server's first line has its SQLSTATE, as in
/// `ERROR:  42P01: relation "orders" does not exist`. What is left of it is the server's words.
SessionFailure parse_failure(std::string_view message);

/// Returns whether the message names the view's table.
bool names_table(const SessionFailure& failure, const OrdersView& view);

/// Returns why a statement failed, with advice if the table of orders does not exist.
std::string reason_of_failure(const SessionFailure& failure, const OrdersView& view = {});

struct Verdict {
    ErrorKind kind;
    std::string reason;
};

/// Returns what a failed statement means: `rejected` if PostgreSQL rejected the order, `usage` if a
/// retry cannot help, and otherwise `store_failed`.
Verdict judge(const SessionFailure& failure, const OrdersView& view = {});

/// What is known of an attempt to connect.
struct Attempt {
    bool needs_password = false; ///< The server asked for a password, and there is none.
    bool is_local = false;       ///< It was made over a local socket.
    bool declines_tls = false;   ///< The user's sslmode does not use TLS.
};

/// Returns why connecting failed: libpq's reason for each address, and advice by the cause.
NoConnection explain_no_connection(std::string_view message, Attempt attempt);

/// Returns libpq's words, without the value, if it did not connect because it refused a parameter's
/// value. Otherwise returns nullopt.
std::optional<std::string> refused_setting(std::string_view message);

} // namespace ordercache
