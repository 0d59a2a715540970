#include "cli/arguments.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace ordercache {

namespace {

/// `-` and `-5.00` are values.
bool looks_like_option(std::string_view word) {
    return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.';
}

std::size_t index_of(const auto& is_wanted) {
    const auto* const found = std::find_if(k_options.begin(), k_options.end(), is_wanted);
    return static_cast<std::size_t>(found - k_options.begin());
}

/// What follows the option's `=`, or else the first of `next`, which it then takes.
std::string_view value_of(const Option& option, std::optional<std::string_view> assigned,
                          std::span<const char* const>& next) {
    if (!assigned && next.empty()) {
        throw usage_error(fmt::format("{}: a value is missing", option.name));
    }
    const std::string_view value = assigned ? *assigned : next.front();
    if (value.empty()) {
        throw usage_error(fmt::format("{}: the value is empty", option.name));
    }
    if (!assigned) {
        if (looks_like_option(value)) {
            throw usage_error(
                fmt::format("{}: a value is missing before `{}`", option.name, value));
        }
        next = next.subspan(1);
    }
    return value;
}

} // namespace

Arguments::Arguments(std::span<const char* const> words) {
    while (!words.empty()) {
        const std::string_view word = words.front();
        words = words.subspan(1);
        if (word == "--") {
            m_words.insert(m_words.end(), words.begin(), words.end());
            return;
        }
        if (!looks_like_option(word)) {
            m_words.emplace_back(word);
        } else if (word.starts_with("--")) {
            take_long(word, words);
        } else {
            take_letters(word);
        }
    }
}

void Arguments::take_long(std::string_view word, std::span<const char* const>& next) {
    const std::size_t end = word.find('=');
    const std::string_view name = word.substr(0, end);
    const std::size_t index = index_of([&](const Option& option) { return option.name == name; });
    if (index == k_options.size()) {
        m_unknown_options.emplace_back(name);
        return;
    }
    std::optional<std::string_view> assigned;
    if (end != std::string_view::npos) {
        assigned = word.substr(end + 1);
    }
    const Option& option = k_options.at(index);
    if (option.takes_value) {
        m_values.at(index).emplace_back(value_of(option, assigned, next));
    } else if (assigned) {
        throw usage_error(fmt::format("{}: takes no value", name));
    } else {
        m_values.at(index).emplace_back(); // Given, with nothing to say.
    }
}

/// Takes flags by their letters: `-v`, or several as `-vq`.
void Arguments::take_letters(std::string_view word) {
    for (const char letter : word.substr(1)) {
        const std::size_t index =
            index_of([&](const Option& option) { return option.letter == letter; });
        if (index == k_options.size()) {
            m_unknown_options.emplace_back(word);
            return;
        }
        m_values.at(index).emplace_back();
    }
}

std::optional<std::string> Arguments::value(std::string_view option) const {
    const std::span<const std::string> all = values(option);
    if (all.size() > 1) {
        throw usage_error(fmt::format("{}: may be given only once", option));
    }
    return all.empty() ? std::nullopt : std::optional(all.front());
}

std::span<const std::string> Arguments::values(std::string_view option) const {
    return m_values.at(index_of([&](const Option& each) { return each.name == option; }));
}

std::vector<Option> Arguments::options() const {
    std::vector<Option> options;
    std::copy_if(k_options.begin(), k_options.end(), std::back_inserter(options),
                 [&](const Option& option) { return has(option.name); });
    return options;
}

} // namespace ordercache
