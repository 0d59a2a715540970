#pragma once

#include "base/quoted.hpp"

#include <string>
#include <string_view>

namespace ordercache {

/// Returns the text as an element of an array, as PostgreSQL reads it.
inline std::string array_element(std::string_view text) {
    if (!text.empty() && text.find_first_not_of("0123456789-.") == std::string_view::npos) {
        return std::string(text);
    }
    return '"' + with_backslashes(text, "\"\\") + '"';
}

} // namespace ordercache
