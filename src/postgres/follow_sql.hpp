#pragma once

#include "postgres/orders_view.hpp"

#include <string>
#include <string_view>

namespace ordercache {

/// The version of what follow_setup_sql() installs.
inline constexpr int k_follow_version = 4;

/// Returns the name of the schema with what a follower needs for the counts under a key prefix:
/// `ordercache` for the default one. It needs no quotes in SQL.
std::string follow_schema(std::string_view prefix);

/// Fills in what depends on the view in one of the files in sql/.
std::string follow_sql(const char* text, const OrdersView& view);

/// Returns the last three columns of the function view(), as literals.
std::string customers_sql(const OrdersView& view);

/// Returns the SQL that makes PostgreSQL (13 or later) note the changes of the view's table that
/// other programs make, for `invalidate --follow`. It is one transaction, changes nothing if it was
/// run before, and replaces an older version of itself. The owner of the table runs it, with that
/// table in the search_path.
std::string follow_setup_sql(const OrdersView& view);

/// Returns the SQL that removes all of that, if it is there. `schema` is the view's.
std::string follow_removal_sql(const std::string& schema);

} // namespace ordercache
