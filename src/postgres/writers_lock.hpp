#pragma once

#include <cstdint>

namespace ordercache {

/// The class of the writers' advisory locks: "ordc" in ASCII.
inline constexpr std::int64_t k_lock_class = 0x6f726463;

/// The second key of such a lock is a customer's number, or one of these: of all orders, and of a
/// batch, whose writer may change every count.
inline constexpr std::int32_t k_lock_all = 0;
inline constexpr std::int32_t k_lock_batch = -1;

} // namespace ordercache
