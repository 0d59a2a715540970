#pragma once

#include <string>
#include <string_view>

namespace ordercache {

/// Returns the text as valid UTF-8 that is safe on a terminal: `mark` replaces each control
/// character of ASCII and ISO 8859-1, and `?` each byte that does not belong to a character.
std::string printable(std::string_view text, char mark);

/// Returns what was typed, as a message shows it: printable, between backquotes, and cut at 40
/// characters.
std::string in_quotes(std::string_view text);

/// Returns the text with a backslash before each of these characters.
std::string with_backslashes(std::string_view text, std::string_view before);

} // namespace ordercache
