#pragma once

#include "base/order.hpp"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <optional>
#include <vector>

namespace ordercache {

/// Whose orders a count is of: everybody's, or one customer's.
struct Scope {
    std::optional<CustomerId> customer;

    friend auto operator<=>(const Scope&, const Scope&) = default;
};

inline constexpr Scope k_all_orders{};

/// Those of one customer, in the order in which they stand.
std::vector<Scope> customers_in(const std::vector<Scope>& scopes);

/// Sorted, and each once.
std::vector<Scope> without_repeats(std::vector<Scope> scopes);

/// Calls `act` with one piece of the scopes after the other, each of `size` at most.
template <typename Act>
void in_pieces(const std::vector<Scope>& scopes, std::size_t size, Act act) {
    for (std::size_t begin = 0; begin < scopes.size(); begin += size) {
        const std::size_t end = std::min(begin + size, scopes.size());
        act(std::vector<Scope>(scopes.begin() + static_cast<std::ptrdiff_t>(begin),
                               scopes.begin() + static_cast<std::ptrdiff_t>(end)));
    }
}

} // namespace ordercache
