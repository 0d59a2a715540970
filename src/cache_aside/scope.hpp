#pragma once

#include "base/order.hpp"

#include <compare>
#include <optional>

namespace ordercache {

/// Whose orders a count is of: everybody's, or one customer's.
struct Scope {
    std::optional<CustomerId> customer;

    friend auto operator<=>(const Scope&, const Scope&) = default;
};

inline constexpr Scope k_all_orders{};

} // namespace ordercache
