#include "base/quoted.hpp"

#include <algorithm>
#include <cstddef>

namespace ordercache {

namespace {

constexpr std::size_t k_most_characters = 40;

/// UTF-8: whether the byte begins a character.
bool begins_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
}

/// The bytes of the first `most` characters.
std::string_view first_characters(std::string_view text, std::size_t most) {
    const auto end = std::ranges::find_if(
        text, [&](char byte) { return begins_character(byte) && most-- == 0; });
    return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

/// ASCII's, and those of ISO 8859-1 as UTF-8 writes them: C2 80 to C2 9F.
void replace_control_characters(std::string& text) {
    for (std::size_t i = text.find('\xC2'); i != std::string::npos; i = text.find('\xC2', i + 1)) {
        if (i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
            text.replace(i, 2, "?");
        }
    }
    std::ranges::replace_if(
        text, [](unsigned char byte) { return byte < ' ' || byte == '\x7F'; }, '?');
}

} // namespace

std::string in_quotes(std::string_view text) {
    std::string shown(first_characters(text, k_most_characters));
    const bool cut = shown.size() < text.size();
    replace_control_characters(shown);
    return '`' + shown + (cut ? "…`" : "`");
}

} // namespace ordercache
