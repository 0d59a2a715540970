#pragma once

#include "base/order.hpp"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <optional>
#include <span>
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

/// Calls `act` with one piece of the list after the other, each of `size` at most.
template <typename Element, typename Act>
void in_pieces(const std::vector<Element>& list, std::size_t size, Act act) {
    for (auto rest = std::span(list); !rest.empty();) {
        const auto piece = rest.first(std::min(rest.size(), size));
        act(std::vector<Element>(piece.begin(), piece.end()));
        rest = rest.subspan(piece.size());
    }
}

} // namespace ordercache
