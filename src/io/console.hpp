#pragma once

#include "base/reporter.hpp"
#include "base/waiting.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ordercache {

/// Opens /dev/null in place of each standard stream that was closed when the program began.
/// Otherwise a connection would get its descriptor, and the answer would be written to a server.
/// stdin is opened for writing and the others for reading, so that using them still fails. Call it
/// before anything is opened.
void occupy_closed_streams();

/// Writes all of the text. Returns 0, or the errno of the failure: ETIMEDOUT when the limit has
/// passed. Throws Interrupted when a signal arrives.
int write_all(int fd, std::string_view text, TimeLimit limit);

/// Messages on stderr, one line each: errors always, warnings unless silenced, steps if asked for
/// (dim on a terminal). Never fails: a line is dropped if stderr does not take it before a signal
/// arrives or the limit passes. The signal ends the next wait. Call hold_signals() first.
class Console : public Reporter {
public:
    /// Until it is called, there are errors and warnings, and no limit.
    void configure(bool verbose, bool quiet, TimeLimit limit);

    bool is_verbose() const override { return m_verbose; }
    void warn(const std::string& line) override;
    void hint(const std::string& line) override;
    void status(const std::string& line) override;

    void error(const std::string& line);

    /// Writes a page unchanged.
    void page(const std::string& text);

private:
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

/// `12000 orders [==========          ]  54%`, or only the items if `part` is nullopt. `part` is
/// how much of the input was read, from 0 to 1.
std::string progress_bar(std::int64_t items, const std::string& unit, std::optional<double> part);

} // namespace ordercache
