#include "cli/complaints.hpp"

#include "base/quoted.hpp"
#include "cli/spelling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace ordercache {

namespace {

/// `a`, `a and b`, `a, b and c`.
std::string listed(const Words& names) {
    std::string list = names.front();
    for (std::size_t i = 1; i < names.size(); ++i) {
        list += (i + 1 < names.size() ? ", " : " and ") + names[i];
    }
    return list;
}

Error unknown(std::string_view kind, std::string_view typed, const Words& names) {
    const auto meant = nearest(typed, names);
    return usage_error(fmt::format("unknown {} {}: {}", kind, in_quotes(typed),
                                   meant ? fmt::format("did you mean `{}`?", *meant)
                                         : "there are " + listed(names)));
}

/// A bare number is a customer whose option is missing.
Error superfluous(const std::string& word, const Words& options) {
    const bool is_number =
        !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
    const bool takes_customer = std::ranges::find(options, "--customer") != options.end();
    return usage_error(fmt::format(
        "unexpected argument {}{}", in_quotes(word),
        is_number && takes_customer ? fmt::format(": did you mean `--customer {}`?", word) : ""));
}

Error unknown_option(const std::string& name, const Known& known) {
    const bool may_be_a_command_s = !known.has_command && !nearest(name, known.options);
    return may_be_a_command_s ? missing_command(known.commands)
                              : unknown("option", name, known.options);
}

} // namespace

Error missing_command(const Words& commands) {
    return usage_error(fmt::format("a command is missing: there are {}", listed(commands)));
}

Error missing_options(std::string_view command, const Words& options) {
    return usage_error(
        fmt::format("`{}` needs {}, or --from with a file of orders", command, listed(options)));
}

Error wrong_number_of_values(std::string_view problem) {
    const bool is_missing = problem.ends_with("missing");
    return usage_error(fmt::format("{}: {}", problem.substr(0, problem.find(':')),
                                   is_missing ? "a value is missing" : "may be given only once"));
}

Error unexpected_word(const Words& rest, const Known& known) {
    const std::string& word =
        *std::ranges::find_if(rest, [](const std::string& each) { return each != "--"; });
    if (looks_like_option(word)) {
        return unknown_option(word.substr(0, word.find('=', 2)), known);
    }
    return known.has_command ? superfluous(word, known.options)
                             : unknown("command", word, known.commands);
}

} // namespace ordercache
