#include "cli/words.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ordercache {

namespace {

void refuse_empty_values(const Words& words) {
    for (const std::string& word : words) {
        if (word.starts_with("--") && word.find('=') == word.size() - 1) {
            throw usage_error(
                fmt::format("{}: the value is empty", word.substr(0, word.size() - 1)));
        }
    }
}

void put_command_first(Words& words, const Words& commands) {
    const auto command = std::ranges::find_first_of(words, commands);
    if (command != words.end()) {
        std::rotate(words.begin(), command, command + 1);
    }
}

} // namespace

bool looks_like_option(std::string_view word) {
    constexpr std::string_view k_not_names = "0123456789.";
    return word.size() > 1 && word[0] == '-' && word != "--" &&
           k_not_names.find(word[1]) == std::string_view::npos;
}

Words arranged(Words words, const Words& commands) {
    refuse_empty_values(words);
    put_command_first(words, commands);
    if (!words.empty() && words.front() == "help") {
        words.erase(words.begin());
        words.emplace_back("--help");
        put_command_first(words, commands);
    }
    return words;
}

} // namespace ordercache
