#include "postgres/follow_sql.hpp"

#include "postgres/sql.hpp"

#include <fmt/format.h>

namespace ordercache {

std::string follow_setup_sql() {
    return fmt::format(
        "{}\n{}\n{}\n{}", sql::k_follow_tables, sql::k_follow_trigger_function,
        fmt::format(fmt::runtime(sql::k_follow_poll), fmt::arg("follower_lock", k_follower_lock)),
        sql::k_follow_triggers);
}

std::string follow_removal_sql() {
    return sql::k_follow_removal;
}

} // namespace ordercache
