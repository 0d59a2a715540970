#pragma once

#include <string>
#include <string_view>

namespace ordercache {

/// The text as valid UTF-8 that a terminal only shows: with `mark` for each control character of
/// ASCII and ISO 8859-1, and with `?` for each byte that does not belong to a character.
std::string printable(std::string_view text, char mark);

/// What was typed, for a message: printable, between backquotes, and cut at 40 characters.
std::string in_quotes(std::string_view text);

} // namespace ordercache
