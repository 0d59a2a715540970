#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace ordercache {

/// A number written in decimal digits alone, from `least` (0 or more) to `most`; absent for all
/// else: a sign, a blank, a point, another base. Leading zeros mean nothing: `010` is ten.
inline std::optional<std::int64_t> parse_whole_number(std::string_view text, std::int64_t least,
                                                      std::int64_t most) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, failure] = std::from_chars(text.data(), end, number);
    if (text.starts_with('-') || failure != std::errc{} || stopped != end || number < least ||
        number > most) {
        return std::nullopt;
    }
    return number;
}

} // namespace ordercache
