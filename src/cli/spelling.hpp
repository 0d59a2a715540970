#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace ordercache {

/// Returns the first of the names whose beginning differs from `typed` in the fewest letters added,
/// left out or wrong. Returns nullopt if half of the letters or more are wrong.
std::optional<std::string_view> nearest(std::string_view typed,
                                        std::span<const std::string_view> names);

} // namespace ordercache
