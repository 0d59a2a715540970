#include "postgres/follow_sql.hpp"

#include "postgres/sql.hpp"

#include <fmt/format.h>

namespace ordercache {

std::string follow_setup_sql() {
    std::string sql;
    for (const char* part : {sql::k_follow_tables, sql::k_follow_trigger_function,
                             sql::k_follow_poll, sql::k_follow_triggers}) {
        sql += sql.empty() ? "" : "\n";
        sql += fmt::format(fmt::runtime(part), fmt::arg("version", k_follow_version),
                           fmt::arg("follower_lock", k_follower_lock),
                           fmt::arg("unnoted_lock", k_unnoted_lock));
    }
    return sql;
}

std::string follow_removal_sql() {
    return sql::k_follow_removal;
}

} // namespace ordercache
