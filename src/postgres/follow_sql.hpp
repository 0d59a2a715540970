#pragma once

#include <string>

namespace ordercache {

/// What a transaction's setting `ordercache.handled` holds when it has seen to the cache itself:
/// its own id, as text. The triggers pass such a transaction over, and no other one, for a setting
/// that was left behind is another transaction's. A standby has no ids, and says by itself that it
/// takes no writes.
inline constexpr auto k_mark_as_handled =
    "SELECT set_config('ordercache.handled', pg_current_xact_id()::text, true) "
    "WHERE NOT pg_is_in_recovery()";

/// The advisory lock of the one who follows. Its class is "ordf" in ASCII, which is not the
/// writers'.
inline constexpr auto k_follower_lock = "1869767782, 0";

/// The SQL that has PostgreSQL (13 or later) note down every change of the table orders that others
/// make, for `invalidate --follow`. It is one transaction, does nothing where it was done before,
/// and takes the place of an older version of itself. The owner of the table orders runs it, with
/// that table in the search_path.
std::string follow_setup_sql();

/// The SQL that takes all of that away again; it does nothing where there is nothing.
std::string follow_removal_sql();

} // namespace ordercache
