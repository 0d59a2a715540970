#pragma once

#include "base/order.hpp"
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

/// Whether libpq refused a parameter's value, and so did not connect.
bool is_about_settings(std::string_view message);

/// The first line, without the values that it quotes.
std::string without_values(std::string_view message);

/// Whether PostgreSQL judged the order and found it wanting: bad data, a constraint, a view's
/// check, a trigger's exception.
bool rejects_the_order(const SessionFailure& failure);

/// The customer whom an order names and who does not exist, where that is the failure.
std::optional<CustomerId> missing_customer(const SessionFailure& failure);

/// Why PostgreSQL rejected an order.
std::string reason_of_rejection(const SessionFailure& failure);

/// Whether the table `orders` has other columns, or columns of other types, than it must have, or
/// is something that takes no such statement. No retry helps.
bool finds_another_table(const SessionFailure& failure);

/// Whether a pooler forbids transactions. No retry helps.
bool forbids_transactions(const SessionFailure& failure);

/// Why a statement failed, with advice if there is no table `orders`.
std::string reason_of_failure(const SessionFailure& failure);

/// Whether the server refused the user, the password or the database.
bool refuses_login(const NoConnection& failure);

/// Why there is no connection: libpq's reason for each address, and advice by the cause.
std::string reason_of_no_connection(const NoConnection& failure);

} // namespace ordercache
