#pragma once

#include <cstdint>
#include <string>

namespace ordercache {

/// The class of the writers' advisory locks: "ordc" in ASCII. The second key is a customer's
/// number, or one of these.
inline constexpr std::int64_t k_lock_class = 0x6f726463;
inline constexpr std::int64_t k_lock_all = 0;
inline constexpr std::int64_t k_lock_batch = 0xffffffff; // -1, as pg_locks shows it

/// An SQL condition: `orders` is a plain table without rules, triggers and row security, so that a
/// write changes the counts that it says and no others. The triggers of follow_sql.hpp change none.
/// It costs an add some; partitions are not looked at: a partitioned table is not plain.
std::string is_plain_table_sql();

/// An SQL condition that looks closer: a write to `orders` may change more counts than it says, for
/// it is a view or a foreign table, or it or one of its partitions or children has a rule or a
/// trigger of the user's for INSERT, or row security.
std::string may_change_more_sql();

/// An SQL expression of type text that takes the writer's lock on a customer (an SQL expression of
/// type integer) and on the total; NULL where that customer is.
std::string lock_customer_sql(const std::string& customer);

/// An SQL expression of type text that takes the lock of a writer who may change every count.
std::string lock_batch_sql();

} // namespace ordercache
