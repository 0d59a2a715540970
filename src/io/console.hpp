#pragma once

#include "base/reporter.hpp"

#include <string>

namespace ordercache {

/// What people are told on stderr, a line each: errors always, warnings unless they are silenced,
/// steps where they are asked for, and dim where that is a terminal.
class Console : public Reporter {
public:
    /// Errors and warnings alone, until it is told otherwise.
    void configure(bool verbose, bool quiet);

    void warn(const std::string& line) override;
    void status(const std::string& line) override;

    void error(const std::string& line);

    /// A whole page, as it is.
    void page(const std::string& text);

private:
    bool is_verbose() const override { return m_verbose; }
    void write_note(const std::string& line) override;
    void write_line(const std::string& line);

    bool m_has_status = false;
    bool m_verbose = false;
    bool m_dims_notes = false;
    bool m_quiet = false;
};

} // namespace ordercache
