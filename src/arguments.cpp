#include "arguments.hpp"

#include "error.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace ordercache {

namespace {

/// `-` and `-5.00` are values.
bool looks_like_option(std::string_view word) {
    return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9') && word[1] != '.';
}

/// CLI11 gives the option the next word for a value, whatever that looks like.
CLI::Option* define(CLI::App& app, const Option& option) {
    const std::string spelling{option.spelling};
    if (!option.takes_value) {
        return app.add_flag(spelling);
    }
    return app.add_option(spelling)->expected(1)->multi_option_policy(
        CLI::MultiOptionPolicy::TakeAll);
}

/// `--customer=`, for which CLI11 would take the next word as the value.
void refuse_empty_assignments(const std::vector<std::string>& words) {
    for (const std::string& word : words) {
        if (word.starts_with("--") && word.find('=') == word.size() - 1) {
            const std::string name = word.substr(0, word.size() - 1);
            throw usage_error(fmt::format("{}: the value is empty", name));
        }
    }
}

void parse(CLI::App& app, std::vector<std::string> words) {
    const std::string last = words.empty() ? "" : words.back();
    std::reverse(words.begin(), words.end());
    try {
        app.parse(std::move(words));
    } catch (const CLI::ParseError&) { // So defined, it objects only to an end without a value.
        throw usage_error(fmt::format("{}: a value is missing", last));
    }
}

void check_value(const Option& option, std::string_view value) {
    if (!option.takes_value && value != "true") { // CLI11's value of a flag that was given none.
        throw usage_error(fmt::format("{}: takes no value", option.name));
    }
    if (value.empty()) {
        throw usage_error(fmt::format("{}: the value is empty", option.name));
    }
    if (looks_like_option(value)) {
        throw usage_error(fmt::format("{}: a value is missing before `{}`", option.name, value));
    }
}

} // namespace

/// CLI11 takes the words apart and no more: its numbers read `010` as eight and `nan` at all, and
/// its sentences do not tell what to do.
Arguments::Arguments(std::vector<std::string> words) {
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    std::array<CLI::Option*, k_options.size()> given{};
    std::transform(k_options.begin(), k_options.end(), given.begin(),
                   [&](const Option& option) { return define(app, option); });
    refuse_empty_assignments(words);
    parse(app, std::move(words));

    for (std::size_t i = 0; i < k_options.size(); ++i) {
        m_values[i] = given[i]->results();
        for (const std::string& value : m_values[i]) {
            check_value(k_options[i], value);
        }
    }
    sort_out(app.remaining());
}

void Arguments::sort_out(const std::vector<std::string>& left_over) {
    bool options_ended = false;
    for (const std::string& word : left_over) {
        if (word == "--" && !options_ended) {
            options_ended = true;
        } else if (looks_like_option(word) && !options_ended) {
            m_unknown_options.push_back(word.substr(0, word.find('=')));
        } else {
            m_words.push_back(word);
        }
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
    const auto* const found = std::find_if(k_options.begin(), k_options.end(),
                                           [&](const Option& each) { return each.name == option; });
    return m_values.at(static_cast<std::size_t>(found - k_options.begin()));
}

std::vector<Option> Arguments::options() const {
    std::vector<Option> options;
    std::copy_if(k_options.begin(), k_options.end(), std::back_inserter(options),
                 [&](const Option& option) { return has(option.name); });
    return options;
}

} // namespace ordercache
