#pragma once

#include <concepts>
#include <string>

namespace ordercache {

/// Messages for the user, one line each. The answer goes to Output.
class Reporter {
public:
    virtual ~Reporter() = default;

    /// A step, for -v.
    void note(const char* line) {
        if (is_verbose()) {
            write_note(line);
        }
    }

    /// As above. Calls `make_line` only with -v, since in a batch the text of a step costs more
    /// than the step.
    template <std::invocable MakeLine>
    void note(const MakeLine& make_line) {
        if (is_verbose()) {
            write_note(make_line());
        }
    }

    virtual void warn(const std::string& line) = 0;

    /// Tells a person at a terminal what to do.
    virtual void hint(const std::string& /*line*/) {}

    /// Shows a line on a terminal. The next call replaces it; an empty line removes it.
    virtual void status(const std::string& /*line*/) {}

    virtual bool is_verbose() const = 0;

private:
    virtual void write_note(const std::string& line) = 0;
};

} // namespace ordercache
