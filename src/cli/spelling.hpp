#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace ordercache {

/// Returns the name that `typed` most likely means. That is the name with the fewest letters added,
/// left out or wrong, in the whole name or in its beginning. Returns nullopt if half of the letters
/// or more are wrong.
std::optional<std::string_view> nearest(std::string_view typed,
                                        std::span<const std::string_view> names);

} // namespace ordercache
