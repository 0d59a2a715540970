#include "cli/spelling.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace ordercache {

namespace {

/// The optimal string alignment distance, in slips.
std::size_t distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> before_last;
    std::vector<std::size_t> last(to.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= from.size(); ++i) {
        std::vector<std::size_t> row{i};
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t mistaken = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
            std::size_t least = std::min({mistaken, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
                least = std::min(least, before_last[j - 2] + 1);
            }
            row.push_back(least);
        }
        before_last = std::exchange(last, std::move(row));
    }
    return last.back();
}

/// An option's dashes are always right, and would lend a short name a likeness.
std::string_view without_dashes(std::string_view name) {
    return name.substr(std::min(name.find_first_not_of('-'), name.size()));
}

std::optional<std::string> least_misspelt(std::string_view typed,
                                          const std::vector<std::string>& names) {
    std::optional<std::string> best;
    std::size_t fewest_slips = 0;
    for (const std::string& name : names) {
        const std::string_view letters = without_dashes(name);
        const std::size_t slips = distance(without_dashes(typed), letters);
        if (slips * 2 < letters.size() && (!best || slips < fewest_slips)) {
            best = name;
            fewest_slips = slips;
        }
    }
    return best;
}

/// Of `--customer` and `--customers-from` it is the shorter, which begins the other too.
std::optional<std::string> begun_by(std::string_view typed, const std::vector<std::string>& names) {
    std::optional<std::string> shortest;
    for (const std::string& name : names) {
        if (without_dashes(name).starts_with(without_dashes(typed)) &&
            (!shortest || name.size() < shortest->size())) {
            shortest = name;
        }
    }
    const bool is_clear = std::ranges::all_of(names, [&](const std::string& name) {
        return !without_dashes(name).starts_with(without_dashes(typed)) ||
               name.starts_with(*shortest);
    });
    return is_clear ? shortest : std::nullopt;
}

} // namespace

std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& names) {
    const auto begun = begun_by(typed, names);
    return begun ? begun : least_misspelt(typed, names);
}

} // namespace ordercache
