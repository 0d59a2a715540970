#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

namespace ordercache {

/// Parses decimal digits, for a number from `least` (0 or more) to `most`. Returns nullopt for
/// anything else, such as a sign, a blank or another base. `010` is ten.
inline std::optional<std::int64_t>
parse_whole_number(std::string_view text, std::int64_t least = 0,
                   std::int64_t most = std::numeric_limits<std::int64_t>::max()) {
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
