#include "cli/command_line.hpp"

#include "base/error.hpp"
#include "cli/complaints.hpp"
#include "cli/help.hpp"
#include "cli/options.hpp"
#include "cli/words.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <variant>

namespace ordercache {

namespace {

/// CLI11's pages, with long names in a column, and the program's options on each page.
class HelpFormatter : public CLI::Formatter {
public:
    HelpFormatter() { column_width(25); }

    std::string make_help(const CLI::App* app, std::string /*name*/,
                          CLI::AppFormatMode mode) const override {
        const CLI::App* const program = app->get_parent();
        return app->get_description() + make_subcommands(app, mode) + make_groups(app, mode) +
               (program != nullptr ? make_groups(program, mode) : "") + app->get_footer();
    }

    std::string make_option_name(const CLI::Option* option, bool /*is_positional*/) const override {
        const auto& letters = option->get_snames();
        const std::string letter = letters.empty() ? "    " : '-' + letters.front() + ", ";
        return letter + "--" + option->get_lnames().front();
    }

    std::string make_option_opts(const CLI::Option* option) const override {
        const std::string& text = option->get_option_text();
        return text.empty() || text.starts_with('[') ? text : ' ' + text;
    }
};

std::string help_of(const CLI::App& app) {
    return HelpFormatter().make_help(&app, "", CLI::AppFormatMode::Normal);
}

/// Absent: none was named.
const CLI::App* chosen_command(const CLI::App& app) {
    const auto commands = app.get_subcommands();
    return commands.empty() ? nullptr : commands.front();
}

Words option_names(const CLI::App& app) {
    Words names;
    for (const CLI::Option* option : app.get_options()) {
        names.push_back(option->get_name());
    }
    return names;
}

Words command_names(const CLI::App& app) {
    Words names;
    for (const CLI::App* command : app.get_subcommands({})) {
        names.push_back(command->get_name());
    }
    return names;
}

Error unexpected_word_of(const CLI::App& app) {
    const CLI::App* const command = chosen_command(app);
    Words options = command != nullptr ? option_names(*command) : Words();
    std::ranges::move(option_names(app), std::back_inserter(options));
    return unexpected_word(app.remaining(), {command_names(app), options, command != nullptr});
}

Error missing_options_of(const CLI::App& command) {
    Words missing;
    for (const CLI::Option* option : command.get_options()) {
        if (option->get_required() && option->empty()) {
            missing.push_back(option->get_name());
        }
    }
    return missing_options(command.get_name(), missing);
}

/// Throws Error (usage) in place of CLI11's errors; its calls for a page go through.
void parse(CLI::App& app, Words words) {
    std::ranges::reverse(words); // CLI11 takes them from the end.
    try {
        app.parse(std::move(words));
    } catch (const CLI::Success&) {
        if (app.remaining_size() > 0) {
            throw unexpected_word_of(app);
        }
        throw;
    } catch (const CLI::ArgumentMismatch& error) {
        throw wrong_number_of_values(error.what());
    } catch (const CLI::ParseError& error) {
        if (app.remaining_size() > 0) {
            throw unexpected_word_of(app);
        }
        if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
            throw missing_options_of(*chosen_command(app));
        }
        throw usage_error(error.what());
    }
    if (chosen_command(app) == nullptr) {
        throw missing_command(command_names(app));
    }
}

std::string help_asked_for(const CLI::App& app) {
    const CLI::App* const command = chosen_command(app);
    return help_of(command == nullptr || command->get_name() == "help" ? app : *command);
}

} // namespace

std::variant<Invocation, Page> parse_command_line(int argc, const char* const* argv) {
    Invocation invocation;
    CLI::App app(k_program_help.description);
    app.set_help_flag();
    define_commands(app, invocation);
    if (argc < 2) {
        return Page{.text = help_of(app) +
                            "\nSee `ordercache help COMMAND` for its options and examples.\n",
                    .status = ExitStatus::usage};
    }
    Words words = arranged({argv + 1, argv + argc}, command_names(app));
    if (std::ranges::any_of(words, looks_like_option)) {
        define_common_options(app, invocation);
    }
    try {
        parse(app, std::move(words));
    } catch (const CLI::CallForHelp&) {
        return Page{.text = help_asked_for(app)};
    } catch (const CLI::CallForVersion& version) {
        return Page{.text = version.what()};
    }
    return invocation;
}

} // namespace ordercache
