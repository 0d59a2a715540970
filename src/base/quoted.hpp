#pragma once

#include <string>
#include <string_view>

namespace ordercache {

/// The text with `mark` in place of each control character, which a terminal might obey: of
/// ASCII's, and of those of ISO 8859-1 as UTF-8 writes them.
std::string without_control_characters(std::string text, char mark);

/// What was typed, for a message: between backquotes, cut at 40 characters, and with `?` for each
/// control character, which a terminal might obey.
std::string in_quotes(std::string_view text);

} // namespace ordercache
