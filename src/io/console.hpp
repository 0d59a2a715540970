#pragma once

#include "base/reporter.hpp"
#include "base/waiting.hpp"

#include <string>
#include <string_view>

namespace ordercache {

/// What people are told on stderr, a line each: errors always, warnings unless they are silenced,
/// steps where they are asked for, and dim where that is a terminal. Nothing here fails: what
/// stderr does not take until a signal arrives, or the limit ends, is left unsaid. The signal is
/// there for the next wait to find. Needs hold_signals().
class Console : public Reporter {
public:
    /// Errors and warnings alone and no limit, until it is told otherwise.
    void configure(bool verbose, bool quiet, TimeLimit limit);

    void warn(const std::string& line) override;
    void status(const std::string& line) override;

    void error(const std::string& line);

    /// A whole page, as it is.
    void page(const std::string& text);

private:
    bool is_verbose() const override { return m_verbose; }
    void write_note(const std::string& line) override;
    void write_line(const std::string& line);
    void write(std::string_view text);
    bool wait_until_writable();

    TimeLimit m_limit = TimeLimit::none();
    bool m_is_blocked = false; ///< A wait was in vain: no line is waited for any more.
    bool m_has_status = false;
    bool m_verbose = false;
    bool m_dims_notes = false;
    bool m_quiet = false;
};

} // namespace ordercache
