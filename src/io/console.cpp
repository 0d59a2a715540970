#include "io/console.hpp"

#include "io/terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace ordercache {

namespace {

/// Where stderr takes nothing there is nobody left to tell.
void write_to_stderr(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            return;
        }
    }
}

/// What people typed, and what servers say, may hold any bytes; a line stays one.
std::string one_line(std::string text) {
    std::ranges::replace_if(
        text, [](unsigned char c) { return c < ' ' || c == '\x7f'; }, ' ');
    return text;
}

std::string dimmed(const std::string& line) {
    return "\x1b[2m" + line + "\x1b[0m";
}

} // namespace

void Console::configure(bool verbose, bool quiet) {
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
        write_to_stderr('\r' + line + erase_to_end_of_line);
        m_has_status = !line.empty();
    }
}

void Console::error(const std::string& line) {
    write_line("ordercache: error: " + one_line(line));
}

void Console::page(const std::string& text) {
    write_to_stderr(text);
}

void Console::write_note(const std::string& line) {
    write_line(m_dims_notes ? dimmed(one_line(line)) : one_line(line));
}

void Console::write_line(const std::string& line) {
    if (m_has_status) {
        status("");
    }
    write_to_stderr(line + '\n');
}

} // namespace ordercache
