#include "io/console.hpp"

#include "base/environment.hpp"
#include "base/quoted.hpp"
#include "base/signals.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <utility>

namespace ordercache {

namespace {

constexpr std::size_t k_bar_width = 20;

/// Users and servers may send any bytes; a message stays one line.
std::string one_line(const std::string& text) {
    return printable(text, ' ');
}

std::string dimmed(const std::string& line) {
    return "\x1b[2m" + line + "\x1b[0m";
}

/// Whether stderr is a terminal that understands escape sequences, unlike TERM=dumb.
bool stderr_takes_escapes() {
    const std::string kind = process_environment("TERM").value_or("");
    return !kind.empty() && kind != "dumb" && isatty(STDERR_FILENO) != 0;
}

/// Asked each time, since a window may be resized. Returns nullopt if stderr cannot redraw a line.
std::optional<std::size_t> terminal_columns() {
    if (!stderr_takes_escapes()) {
        return std::nullopt;
    }
    constexpr std::size_t usual = 80;
    winsize size = {};
    const bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return is_known ? size.ws_col : usual;
}

} // namespace

void occupy_closed_streams() {
    std::array<pollfd, 3> streams = {
        {{STDIN_FILENO, 0, 0}, {STDOUT_FILENO, 0, 0}, {STDERR_FILENO, 0, 0}}};
    poll(streams.data(), streams.size(), 0);
    for (const pollfd& stream : streams) {
        const bool is_closed = (stream.revents & POLLNVAL) != 0;
        if (is_closed) {
            // open() returns the lowest free descriptor, which is this one.
            open("/dev/null", stream.fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

int write_all(int fd, std::string_view text, TimeLimit limit) {
    while (!text.empty()) {
        if (!wait_for(fd, POLLOUT, limit.deadline())) {
            return ETIMEDOUT;
        }
        // A writable pipe takes PIPE_BUF bytes without blocking.
        const ssize_t written =
            ::write(fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EAGAIN && errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

void Console::configure(bool verbose, bool quiet, TimeLimit limit) {
    m_limit = limit;
    m_verbose = verbose;
    m_dims_notes = verbose && stderr_takes_escapes() && !process_environment("NO_COLOR");
    m_quiet = quiet;
}

void Console::warn(const std::string& line) {
    if (!m_quiet) {
        write_line("ordercache: warning: " + one_line(line));
    }
}

void Console::hint(const std::string& line) {
    if (!m_quiet && isatty(STDERR_FILENO) != 0) {
        write_line(line);
    }
}

/// A terminal wraps in its last column, which is left free.
void Console::status(const std::string& line) {
    constexpr auto erase_to_end_of_line = "\x1b[K";
    if (line.empty() && !m_has_status) {
        return;
    }
    if (const auto columns = m_quiet ? std::nullopt : terminal_columns()) {
        write('\r' + line.substr(0, *columns - 1) + erase_to_end_of_line);
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
    status("");
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

std::string progress_bar(std::int64_t items, const std::string& unit, std::optional<double> part) {
    std::string line = fmt::format("{} {}", items, unit);
    if (part) {
        const std::string filled(static_cast<std::size_t>(*part * k_bar_width), '=');
        line += fmt::format(" [{:<{}}] {:3}%", filled, k_bar_width, static_cast<int>(*part * 100));
    }
    return line;
}

} // namespace ordercache
