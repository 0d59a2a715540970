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

} // namespace

std::string without_control_characters(std::string text, char mark) {
    for (std::size_t i = text.find('\xC2'); i != std::string::npos; i = text.find('\xC2', i + 1)) {
        if (i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
            text.replace(i, 2, 1, mark);
        }
    }
    std::ranges::replace_if(
        text, [](unsigned char byte) { return byte < ' ' || byte == '\x7F'; }, mark);
    return text;
}

std::string in_quotes(std::string_view text) {
    const std::string_view shown = first_characters(text, k_most_characters);
    const bool is_cut = shown.size() < text.size();
    return '`' + without_control_characters(std::string(shown), '?') + (is_cut ? "…`" : "`");
}

} // namespace ordercache
