#pragma once

#include "postgres/session.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace ordercache {

/// The view of orders does not fit the database. what() says which variable to set.
class WrongView : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Has PostgreSQL check the view's condition, and that the column of customers is of the kind that
/// the view says. Checks nothing if the condition is empty and customers are integers. Throws
/// WrongView and SessionFailure.
void check_view(PostgresSession& session);

/// Throws WrongView if a statement failed because the column of customers is of another kind, and
/// otherwise the failure itself. Rolls back.
[[noreturn]] void explain_failure(PostgresSession& session, const SessionFailure& failure);

/// Runs a statement that counts orders, and explains its failure.
Rows run_count(PostgresSession& session, const std::string& sql,
               const std::vector<std::string>& parameters = {});

} // namespace ordercache
