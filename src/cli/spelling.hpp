#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// The one of `names` that `typed` most likely meant: the one that it begins, or else one within a
/// few slips of the keys, each a letter added, left out, mistaken or swapped with its neighbour,
/// while half of the name's letters are right. Absent where there is none.
std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& names);

} // namespace ordercache
