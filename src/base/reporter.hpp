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

    /// The same; calls `make_line` only with -v: for each customer of a batch, the text of a step
    /// costs more than the step.
    template <std::invocable MakeLine>
    void note(const MakeLine& make_line) {
        if (is_verbose()) {
            write_note(make_line());
        }
    }

    virtual void warn(const std::string& line) = 0;

    /// For a terminal: a line that the next one replaces; an empty one removes it.
    virtual void status(const std::string& /*line*/) {}

private:
    virtual bool is_verbose() const = 0;
    virtual void write_note(const std::string& line) = 0;
};

} // namespace ordercache
