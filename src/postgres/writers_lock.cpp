#include "postgres/writers_lock.hpp"

#include <fmt/format.h>

namespace ordercache {

namespace {

std::string take_sql(const std::string& key) {
    return fmt::format("pg_advisory_xact_lock_shared({}, {})::text", k_lock_class, key);
}

/// A condition on a row of pg_trigger: it fires on INSERT, and is the user's. tgtype's bit 2 is
/// INSERT.
constexpr auto k_is_users_trigger = "NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 4 <> 0 AND "
                                    "tgfoid IS DISTINCT FROM to_regproc('ordercache.note_change')";

} // namespace

std::string is_plain_table_sql() {
    return fmt::format(R"sql((
(SELECT relkind = 'r' AND NOT relrowsecurity AND NOT relhasrules
 FROM pg_class WHERE oid = 'orders'::regclass)
AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'orders'::regclass AND {})))sql",
                       k_is_users_trigger);
}

std::string may_change_more_sql() {
    return fmt::format(R"sql(EXISTS (
WITH RECURSIVE tables AS (
    SELECT 'orders'::regclass::oid AS id
    UNION ALL SELECT inhrelid FROM pg_inherits JOIN tables ON inhparent = id)
SELECT FROM tables JOIN pg_class ON oid = id
WHERE relkind NOT IN ('r', 'p') OR relrowsecurity
   OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = id AND ev_type = '3')
   OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = id AND {})))sql",
                       k_is_users_trigger);
}

std::string lock_customer_sql(const std::string& customer) {
    return fmt::format("{} || {}", take_sql(customer), take_sql(std::to_string(k_lock_all)));
}

std::string lock_batch_sql() {
    return take_sql(std::to_string(static_cast<std::int32_t>(k_lock_batch)));
}

} // namespace ordercache
