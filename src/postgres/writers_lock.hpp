#pragma once

#include <cstdint>

namespace ordercache {

/// The class of the writers' advisory locks: "ordc" in ASCII. The second key is a customer's
/// number, or one of these.
inline constexpr std::int64_t k_lock_class = 0x6f726463;
inline constexpr std::int64_t k_lock_all = 0;
inline constexpr std::int64_t k_lock_batch = 0xffffffff; // -1, as pg_locks shows it

} // namespace ordercache
