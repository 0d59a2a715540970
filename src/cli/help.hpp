#pragma once

namespace ordercache {

/// What the page of the program, or of a command, says besides its options; 80 columns wide.
struct HelpTexts {
    const char* summary;     ///< What it does, in a line of the list of commands.
    const char* description; ///< The same in sentences, and its usage.
    const char* footer;      ///< Its environment, its exit statuses and examples.
};

extern const HelpTexts k_program_help;
extern const HelpTexts k_count_help;
extern const HelpTexts k_add_help;
extern const HelpTexts k_invalidate_help;
extern const HelpTexts k_ttl_help;

} // namespace ordercache
