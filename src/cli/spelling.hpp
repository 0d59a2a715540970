#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace ordercache {

/// Returns the name that `typed` most likely meant: the one whose beginning, or whole, it spells
/// with the fewest letters added, left out or wrong. Returns nullopt if those are half of the
/// letters or more.
std::optional<std::string_view> nearest(std::string_view typed,
                                        std::span<const std::string_view> names);

} // namespace ordercache
