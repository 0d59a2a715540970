#include "postgres/writers_lock.hpp"

#include <fmt/format.h>

namespace ordercache {

namespace {

std::string take_sql(const std::string& key) {
    return fmt::format("pg_advisory_xact_lock_shared({}, {})::text", k_lock_class, key);
}

/// A condition on a row of pg_trigger: it fires on INSERT (bit 2 of tgtype) and is the user's. A
/// partition's copy of one is marked internal up to PostgreSQL 14, as a foreign key's trigger is,
/// which names the other table. Our own changes no count; to_regproc() would need a right to its
/// schema.
constexpr auto k_is_users_trigger = R"sql(
    tgenabled <> 'D' AND tgtype & 4 <> 0
    AND (NOT tgisinternal OR tgparentid <> 0 AND tgconstrrelid = 0)
    AND tgfoid NOT IN (SELECT p.oid FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
                       WHERE proname = 'note_change' AND nspname = 'ordercache'))sql";

/// A condition on a table's id: a default or a check of it calls a function that may write.
std::string calls_function_sql(const std::string& table) {
    return fmt::format(R"sql(EXISTS (
    SELECT FROM (SELECT 'pg_attrdef'::regclass AS class, oid AS id FROM pg_attrdef
                 WHERE adrelid = {0}
                 UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint
                 WHERE conrelid = {0} AND contype = 'c') AS expression
    JOIN pg_depend ON classid = class AND objid = id AND refclassid = 'pg_proc'::regclass
    JOIN pg_proc AS p ON p.oid = refobjid JOIN pg_language AS l ON l.oid = prolang
    WHERE provolatile = 'v' AND lanname NOT IN ('internal', 'c')))sql",
                       table);
}

/// Locks are held for as long as their transaction. A writer that says nothing for five minutes
/// while it holds one is rolled back, unless the user chose another limit.
std::string take_all_sql(const std::string& locks) {
    return fmt::format("{} || CASE current_setting('idle_in_transaction_session_timeout') WHEN '0' "
                       "THEN set_config('idle_in_transaction_session_timeout', '5min', true) "
                       "ELSE '' END",
                       locks);
}

} // namespace

std::string is_plain_table_sql() {
    return fmt::format(R"sql((
(SELECT relkind = 'r' AND NOT relrowsecurity AND NOT relhasrules
 FROM pg_class WHERE oid = 'orders'::regclass)
AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'orders'::regclass AND {})
AND NOT {}))sql",
                       k_is_users_trigger, calls_function_sql("'orders'::regclass"));
}

std::string may_change_more_sql() {
    return fmt::format(R"sql(EXISTS (
WITH RECURSIVE tables AS (
    SELECT 'orders'::regclass::oid AS id
    UNION ALL SELECT inhrelid FROM pg_inherits JOIN tables ON inhparent = id)
SELECT FROM tables JOIN pg_class ON oid = id
WHERE relkind NOT IN ('r', 'p') OR relrowsecurity OR {}
   OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = id AND ev_type = '3')
   OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = id AND {})))sql",
                       calls_function_sql("tables.id"), k_is_users_trigger);
}

std::string lock_customer_sql(const std::string& customer) {
    return take_all_sql(take_sql(customer) + " || " + take_sql(std::to_string(k_lock_all)));
}

std::string lock_batch_sql() {
    return take_all_sql(take_sql(std::to_string(static_cast<std::int32_t>(k_lock_batch))));
}

} // namespace ordercache
