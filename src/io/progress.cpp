#include "io/progress.hpp"

#include "io/standard_streams.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_first_shown_after = 1s;
constexpr auto k_redrawn_after = 100ms;

constexpr std::size_t k_bar_width = 20;

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

/// Terminals wrap in the last column.
std::string cut(const std::string& line, std::size_t columns) {
    return line.substr(0, std::max<std::size_t>(columns, 1) - 1);
}

} // namespace

std::string progress_bar(const Advance& advance, const std::string& unit, std::size_t columns) {
    const std::string items = fmt::format("{} {}", advance.items, unit);
    if (!advance.size || *advance.size == 0) {
        return cut(items, columns);
    }
    const double part =
        std::min(static_cast<double>(advance.bytes) / static_cast<double>(*advance.size), 1.0);
    const std::string filled(static_cast<std::size_t>(part * k_bar_width), '=');
    return cut(
        fmt::format("{} [{:<{}}] {:3}%", items, filled, k_bar_width, static_cast<int>(part * 100)),
        columns);
}

Progress::Progress(std::string unit, Reporter& reporter)
    : m_unit(std::move(unit)), m_reporter(reporter), m_next(Clock::now() + k_first_shown_after) {}

Progress::~Progress() {
    hide();
}

void Progress::show(const Advance& advance) {
    if (Clock::now() < m_next) {
        return;
    }
    m_next = Clock::now() + k_redrawn_after;
    if (const auto columns = terminal_columns()) {
        m_reporter.status(progress_bar(advance, m_unit, *columns));
        m_shown = true;
    }
}

void Progress::say(const std::string& line) {
    const auto columns = terminal_columns();
    if (m_shown && columns) {
        m_reporter.status(cut(line, *columns));
    }
}

void Progress::hide() {
    if (std::exchange(m_shown, false)) {
        m_reporter.status("");
    }
}

} // namespace ordercache
