#pragma once

#include "base/order.hpp"

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace ordercache {

/// What is counted: all orders, or one customer's.
struct Scope {
    std::optional<CustomerId> customer;

    friend auto operator<=>(const Scope&, const Scope&) = default;
};

inline constexpr Scope k_all_orders{};

using Counts = std::map<Scope, std::int64_t>;

/// Returns the scopes of customers, in the same order.
std::vector<Scope> customers_in(const std::vector<Scope>& scopes);

/// Returns the scopes sorted and without repeats.
std::vector<Scope> without_repeats(std::vector<Scope> scopes);

/// Returns the count of each scope, which must be in `counts`.
std::vector<std::int64_t> in_order_of(const std::vector<Scope>& scopes, const Counts& counts);

/// Calls `act` with each piece of the list in turn. A piece has at most `size` elements.
template <typename Element, typename Act>
void in_pieces(const std::vector<Element>& list, std::size_t size, Act act) {
    for (auto rest = std::span(list); !rest.empty();) {
        const auto piece = rest.first(std::min(rest.size(), size));
        act(std::vector<Element>(piece.begin(), piece.end()));
        rest = rest.subspan(piece.size());
    }
}

} // namespace ordercache
