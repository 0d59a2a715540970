#include "cli/spelling.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace ordercache {

namespace {

/// The Levenshtein distance to the beginning of the name that is nearest.
std::size_t mistakes(std::string_view typed, std::string_view name) {
    std::vector<std::size_t> row(name.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (const char letter : typed) {
        std::size_t diagonal = std::exchange(row[0], row[0] + 1);
        for (std::size_t i = 1; i < row.size(); ++i) {
            const std::size_t replaced = diagonal + (letter == name[i - 1] ? 0 : 1);
            diagonal = row[i];
            row[i] = std::min({replaced, row[i] + 1, row[i - 1] + 1});
        }
    }
    return std::ranges::min(row);
}

/// All options have the dashes in common, which must not count as a likeness.
std::string_view without_dashes(std::string_view name) {
    return name.substr(std::min(name.find_first_not_of('-'), name.size()));
}

} // namespace

std::optional<std::string_view> nearest(std::string_view typed,
                                        std::span<const std::string_view> names) {
    const std::string_view letters = without_dashes(typed);
    const auto mistakes_in = [letters](std::string_view name) {
        return mistakes(letters, without_dashes(name));
    };
    const auto best = std::ranges::min_element(names, {}, mistakes_in);
    if (best == names.end() || mistakes_in(*best) * 2 >= letters.size()) {
        return std::nullopt;
    }
    return *best;
}

} // namespace ordercache
