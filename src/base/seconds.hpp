#pragma once

#include "base/whole_number.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ordercache {

/// The longest wait: its milliseconds fit an int.
inline constexpr std::chrono::seconds k_longest_wait{2147483};

/// Parses seconds in decimal digits, with up to three more digits after a point. Returns nullopt
/// for anything else, and for more than k_longest_wait.
inline std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text) {
    constexpr std::size_t places = 3;
    const auto point = text.find('.');
    std::string fraction(point == std::string_view::npos ? "0" : text.substr(point + 1));
    if (fraction.empty() || fraction.size() > places) {
        return std::nullopt;
    }
    fraction.resize(places, '0');
    const auto whole = parse_whole_number(text.substr(0, point), 0, k_longest_wait.count());
    const auto thousandths = parse_whole_number(fraction, 0, 999);
    if (!whole || !thousandths) {
        return std::nullopt;
    }
    const auto duration = std::chrono::seconds(*whole) + std::chrono::milliseconds(*thousandths);
    return duration <= k_longest_wait ? std::optional(duration) : std::nullopt;
}

} // namespace ordercache
