#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace ordercache {

/// The one of `names` that `typed` most likely meant: within a few slips of the keys, each a
/// letter added, left out, mistaken or swapped with its neighbour. Absent where all are too far:
/// half of a name's letters must be right.
std::optional<std::string_view> nearest(std::string_view typed,
                                        std::span<const std::string_view> names);

} // namespace ordercache
