#include "io/console.hpp"

#include "base/quoted.hpp"
#include "base/signals.hpp"
#include "io/terminal.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <string_view>

namespace ordercache {

namespace {

/// What people typed, and what servers say, may hold any bytes; a line stays one.
std::string one_line(const std::string& text) {
    return without_control_characters(text, ' ');
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

/// Where stderr takes nothing there is nobody left to tell.
void Console::write(std::string_view text) {
    while (!text.empty() && wait_until_writable()) {
        // What a writable pipe takes at once, does not block.
        const ssize_t written =
            ::write(STDERR_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EAGAIN && errno != EINTR) {
            return;
        }
    }
}

bool Console::wait_until_writable() {
    try {
        const Deadline deadline =
            m_is_blocked ? Deadline::in(std::chrono::milliseconds(0)) : m_limit.deadline();
        m_is_blocked = !wait_for(STDERR_FILENO, POLLOUT, deadline);
    } catch (const Interrupted& interrupted) {
        put_back(interrupted.signal);
        m_is_blocked = true;
    }
    return !m_is_blocked;
}

} // namespace ordercache
