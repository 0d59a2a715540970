#pragma once

#include <string>

namespace ordercache {

/// Marks a transaction that keeps the cache true by itself: the setting `ordercache.handled` holds
/// its own id, as text, and the triggers skip it. A setting that was left behind holds another
/// transaction's id and has no effect. A standby has no ids, and takes no writes.
inline constexpr auto k_mark_as_handled =
    "SELECT set_config('ordercache.handled', pg_current_xact_id()::text, true) "
    "WHERE NOT pg_is_in_recovery()";

/// The version of what follow_setup_sql() installs.
inline constexpr int k_follow_version = 2;

/// The follower's advisory lock. Its class is "ordf" in ASCII, which is not the writers' class.
inline constexpr auto k_follower_lock = "1869767782, 0";

/// The advisory lock of a transaction whose changes are not noted.
inline constexpr auto k_unnoted_lock = "1869767782, 1";

/// Returns the SQL that makes PostgreSQL (13 or later) note the changes of the table orders that
/// other programs make, for `invalidate --follow`. It is one transaction, changes nothing if it was
/// run before, and replaces an older version of itself. The owner of the table orders runs it, with
/// that table in the search_path.
std::string follow_setup_sql();

/// Returns the SQL that removes all of that, if it is there.
std::string follow_removal_sql();

} // namespace ordercache
