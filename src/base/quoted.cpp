#include "base/quoted.hpp"

#include <algorithm>
#include <cstddef>

namespace ordercache {

namespace {

constexpr std::size_t k_most_characters = 40;

bool continues_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Returns whether the second byte may follow the first. It rules out overlong forms, surrogates
/// and numbers that Unicode does not have.
bool is_allowed(unsigned char first, unsigned char second) {
    return !(first == 0xE0 && second < 0xA0) && !(first == 0xED && second >= 0xA0) &&
           !(first == 0xF0 && second < 0x90) && !(first == 0xF4 && second >= 0x90);
}

/// Returns the length of the UTF-8 character that the text begins with, or 0 if it does not begin
/// with one.
std::size_t character_length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) {
        return 1;
    }
    const std::size_t length = first < 0xC2 || first > 0xF4 ? 0
                               : first < 0xE0               ? 2
                               : first < 0xF0               ? 3
                                                            : 4;
    const std::string_view others = text.substr(1, std::max<std::size_t>(length, 1) - 1);
    const bool is_whole =
        others.size() + 1 == length && std::ranges::all_of(others, continues_character);
    return is_whole && is_allowed(first, static_cast<unsigned char>(text[1])) ? length : 0;
}

bool is_control_character(std::string_view character) {
    const char last = character.back();
    return character.size() == 1 ? static_cast<unsigned char>(last) < ' ' || last == '\x7F'
                                 : character.front() == '\xC2' && character < "\xC2\xA0";
}

} // namespace

std::string printable(std::string_view text, char mark) {
    std::string shown;
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
        if (length == 0) {
            shown += '?';
        } else if (is_control_character(character)) {
            shown += mark;
        } else {
            shown += character;
        }
        text.remove_prefix(character.size());
    }
    return shown;
}

std::string in_quotes(std::string_view text) {
    const std::string shown = printable(text, '?');
    std::size_t most = k_most_characters;
    const auto end = std::ranges::find_if(
        shown, [&](char byte) { return !continues_character(byte) && most-- == 0; });
    return '`' + std::string(shown.begin(), end) + (end == shown.end() ? "`" : "…`");
}

std::string with_backslashes(std::string_view text, std::string_view before) {
    std::string escaped;
    for (const char c : text) {
        if (before.find(c) != std::string_view::npos) {
            escaped += '\\';
        }
        escaped += c;
    }
    return escaped;
}

} // namespace ordercache
