#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// A set of commands, a bit each.
enum CommandBits : unsigned {
    k_count_bit = 1,
    k_add_bit = 2,
    k_invalidate_bit = 4,
    k_ttl_bit = 8,
    k_every_command = k_count_bit | k_add_bit | k_invalidate_bit | k_ttl_bit
};

struct Option {
    std::string_view name; ///< Its long name, by which all else calls it: `--verbose`.
    char letter;           ///< Of `-v`; a null where it has none.
    bool takes_value;
    unsigned commands; ///< Those that know it, of CommandBits.
};

/// Every option that there is.
inline constexpr std::array k_options = {
    Option{"--json", '\0', false, k_every_command},
    Option{"--verbose", 'v', false, k_every_command},
    Option{"--quiet", 'q', false, k_every_command},
    Option{"--timeout", '\0', true, k_every_command},
    Option{"--help", 'h', false, k_every_command},
    Option{"--version", '\0', false, k_every_command},
    Option{"--customer", '\0', true, k_every_command},
    Option{"--customers-from", '\0', true, k_count_bit},
    Option{"--refresh", '\0', false, k_count_bit},
    Option{"--no-cache", '\0', false, k_count_bit | k_add_bit},
    Option{"--date", '\0', true, k_add_bit},
    Option{"--net", '\0', true, k_add_bit},
    Option{"--tax", '\0', true, k_add_bit},
    Option{"--from", '\0', true, k_add_bit},
    Option{"--dry-run", '\0', false, k_add_bit | k_invalidate_bit},
};

/// A command line taken apart and not yet understood. Options are called by their long names.
class Arguments {
public:
    /// Takes the words after the program's name. Options may stand anywhere before a `--`.
    /// Throws Error (usage) where an option lacks its value or a flag was given one.
    explicit Arguments(std::span<const char* const> words);

    bool has(std::string_view option) const { return !values(option).empty(); }

    /// The option's only value. Throws Error (usage) where it was given several.
    std::optional<std::string> value(std::string_view option) const;

    /// Every value that the option was given, in order.
    std::span<const std::string> values(std::string_view option) const;

    /// The options that were given, in the order of k_options.
    std::vector<Option> options() const;

    /// The command, and whatever else is no option.
    const std::vector<std::string>& words() const { return m_words; }

    /// What looks like an option and is none, without its value.
    const std::vector<std::string>& unknown_options() const { return m_unknown_options; }

private:
    void take_long(std::string_view word, std::span<const char* const>& next);
    void take_letters(std::string_view word);

    std::array<std::vector<std::string>, k_options.size()> m_values; ///< As k_options lists them.
    std::vector<std::string> m_words;
    std::vector<std::string> m_unknown_options;
};

} // namespace ordercache
