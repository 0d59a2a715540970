#include "io/progress.hpp"

#include "io/standard_streams.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

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

} // namespace

std::string progress_bar(std::int64_t items, const std::string& unit, std::optional<double> part,
                         std::size_t columns) {
    std::string line = fmt::format("{} {}", items, unit);
    if (part) {
        const std::string filled(static_cast<std::size_t>(*part * k_bar_width), '=');
        line += fmt::format(" [{:<{}}] {:3}%", filled, k_bar_width, static_cast<int>(*part * 100));
    }
    return line.substr(0, columns - 1); // terminals wrap in the last column
}

Progress::Progress(std::string unit, Reporter& reporter)
    : m_unit(std::move(unit)), m_reporter(reporter), m_next(Clock::now() + k_first_shown_after) {}

Progress::~Progress() {
    hide();
}

void Progress::show(std::int64_t items, std::optional<double> part) {
    if (Clock::now() < m_next) {
        return;
    }
    m_next = Clock::now() + k_redrawn_after;
    if (const auto columns = terminal_columns()) {
        m_reporter.status(progress_bar(items, m_unit, part, *columns));
        m_shown = true;
    }
}

void Progress::hide() {
    if (std::exchange(m_shown, false)) {
        m_reporter.status("");
    }
}

} // namespace ordercache
