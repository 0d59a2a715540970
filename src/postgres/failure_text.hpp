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

/// Whether PostgreSQL judged the order and found it wanting: bad data, a constraint, a view's
/// check, a trigger's exception.
bool rejects_the_order(const SessionFailure& failure);

/// The customer whom an order names and who does not exist, where that is the failure.
std::optional<CustomerId> missing_customer(const SessionFailure& failure);

/// Why PostgreSQL rejected an order, and which of a COPY's it was.
std::string reason_of_rejection(const SessionFailure& failure);

/// Whether the table `orders` has other columns, or columns of other types, than it must have, or
/// is something that takes no such statement. No retry helps.
bool finds_another_table(const SessionFailure& failure);

/// Why a statement failed, with advice where another database may have the orders.
std::string reason_of_failure(const SessionFailure& failure);

/// Why there is no connection: a reason for each address that libpq tried, each once. With advice
/// where the login failed, in English, or else where PostgreSQL speaks of the `database`.
std::string reason_of_no_connection(const SessionFailure& failure, std::string_view database);

} // namespace ordercache
