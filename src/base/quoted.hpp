#pragma once

#include <string>
#include <string_view>

namespace ordercache {

/// What was typed, for a message: between backquotes, cut at 40 characters, and with `?` for each
/// control character, which a terminal might obey.
std::string in_quotes(std::string_view text);

} // namespace ordercache
