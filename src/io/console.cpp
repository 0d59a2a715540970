#include "io/console.hpp"

#include "base/quoted.hpp"
#include "base/signals.hpp"
#include "io/standard_streams.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>

namespace ordercache {

namespace {

/// Users and servers may send any bytes; a message stays one line.
std::string one_line(const std::string& text) {
    return printable(text, ' ');
}

std::string dimmed(const std::string& line) {
    return "\x1b[2m" + line + "\x1b[0m";
}

} // namespace

void Console::configure(bool verbose, bool quiet, TimeLimit limit) {
    m_limit = limit;
    m_verbose = verbose;
    m_dims_notes = verbose && stderr_takes_colours();
    m_quiet = quiet;
}

void Console::warn(const std::string& line) {
    if (!m_quiet) {
        write_line("ordercache: warning: " + one_line(line));
    }
}

void Console::status(const std::string& line) {
    constexpr auto erase_to_end_of_line = "\x1b[K";
    if (!m_quiet) {
        write('\r' + line + erase_to_end_of_line);
        m_has_status = !line.empty();
    }
}

void Console::error(const std::string& line) {
    write_line("ordercache: error: " + one_line(line));
}

void Console::page(const std::string& text) {
    write(text);
}

void Console::write_note(const std::string& line) {
    write_line(m_dims_notes ? dimmed(one_line(line)) : one_line(line));
}

void Console::write_line(const std::string& line) {
    if (m_has_status) {
        status("");
    }
    write(line + '\n');
}

/// A text that stderr does not take is dropped, and the next one does not wait.
void Console::write(std::string_view text) {
    constexpr std::chrono::milliseconds no_time{0};
    try {
        const TimeLimit limit = m_is_blocked ? TimeLimit::each_wait(no_time) : m_limit;
        m_is_blocked = write_all(STDERR_FILENO, text, limit) == ETIMEDOUT;
    } catch (const Interrupted& interrupted) {
        put_back(interrupted.signal);
        m_is_blocked = true;
    }
}

} // namespace ordercache
