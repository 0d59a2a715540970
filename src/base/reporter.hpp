#pragma once

#include <concepts>
#include <string>

namespace ordercache {

/// What the user is told on the way, a line each; the answer itself goes to Output.
class Reporter {
public:
    virtual ~Reporter() = default;

    /// A step, for -v.
    void note(const char* line) {
        if (is_verbose()) {
            write_note(line);
        }
    }

    /// As above; `make_line` is called only where somebody reads the line, for the text of a step
    /// for each customer of a batch costs more than the step.
    template <std::invocable MakeLine>
    void note(const MakeLine& make_line) {
        if (is_verbose()) {
            write_note(make_line());
        }
    }

    virtual void warn(const std::string& line) = 0;

    /// A line that the next one replaces; empty: none any more. For a terminal.
    virtual void status(const std::string& /*line*/) {}

private:
    virtual bool is_verbose() const = 0;
    virtual void write_note(const std::string& line) = 0;
};

} // namespace ordercache
