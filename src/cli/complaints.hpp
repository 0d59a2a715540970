#pragma once

#include "base/error.hpp"
#include "cli/words.hpp"

#include <string_view>

namespace ordercache {

/// What could have stood on the command line.
struct Known {
    Words commands;
    Words options;    ///< Those of the program, and of the command that was named.
    bool has_command; ///< Whether one was named.
};

/// Errors (usage) about a command line, each a sentence that says what to write instead.
Error missing_command(const Words& commands);
Error missing_options(std::string_view command, const Words& options);

/// `problem` is what CLI11 says: the option's name, a colon, and what is wrong.
Error wrong_number_of_values(std::string_view problem);

/// About the first of the words that are neither a command nor an option; there is one.
Error unexpected_word(const Words& rest, const Known& known);

} // namespace ordercache
