#pragma once

#include "base/reporter.hpp"
#include "base/waiting.hpp"

#include <string>
#include <string_view>

namespace ordercache {

/// Messages on stderr, one line each: errors always, warnings unless silenced, steps if asked for
/// (dim on a terminal). Never fails: a line is dropped if stderr does not take it before a signal
/// arrives or the limit passes. The signal ends the next wait. Call hold_signals() first.
class Console : public Reporter {
public:
    /// Until it is called, there are errors and warnings, and no limit.
    void configure(bool verbose, bool quiet, TimeLimit limit);

    void warn(const std::string& line) override;
    void status(const std::string& line) override;

    void error(const std::string& line);

    /// Writes a page unchanged.
    void page(const std::string& text);

private:
    bool is_verbose() const override { return m_verbose; }
    void write_note(const std::string& line) override;
    void write_line(const std::string& line);
    void write(std::string_view text);

    TimeLimit m_limit = TimeLimit::none();
    bool m_is_blocked = false; ///< The last wait was in vain: the next text does not wait.
    bool m_has_status = false;
    bool m_verbose = false;
    bool m_dims_notes = false;
    bool m_quiet = false;
};

} // namespace ordercache
