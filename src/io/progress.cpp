#include "io/progress.hpp"

#include "base/environment.hpp"
#include "base/whole_number.hpp"
#include "io/terminal.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_first_shown_after = 1s;
constexpr auto k_redrawn_after = 100ms;

constexpr std::size_t k_widest_bar = 50;
constexpr std::size_t k_narrowest_bar = 5;

/// Asked for each time, for a window may be resized; absent: stderr is no terminal that can redraw
/// a line. The bar has no colour, which is all that NO_COLOR asks for.
std::optional<std::size_t> terminal_columns() {
    if (!stderr_takes_escapes()) {
        return std::nullopt;
    }
    constexpr std::size_t usual = 80;
    constexpr std::size_t most = 1000;
    const std::string asked = process_environment("COLUMNS").value_or("");
    if (const auto columns = parse_whole_number(asked, 1, most)) {
        return *columns;
    }
    winsize size = {};
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : usual;
}

} // namespace

std::string progress_bar(const Advance& advance, const std::string& unit, std::size_t columns) {
    const std::string items = fmt::format("{} {}", advance.items, unit);
    const std::size_t last_column = std::max<std::size_t>(columns, 1) - 1; // terminals wrap there
    if (!advance.size || *advance.size == 0) {
        return items.substr(0, last_column);
    }
    const double part =
        std::min(static_cast<double>(advance.bytes) / static_cast<double>(*advance.size), 1.0);
    const std::string percent = fmt::format("{:3}%", static_cast<int>(part * 100));

    const std::size_t around = items.size() + percent.size() + std::string_view(" [] ").size();
    if (last_column < around + k_narrowest_bar) {
        return percent.substr(0, last_column);
    }
    const std::size_t width = std::min(last_column - around, k_widest_bar);
    const auto filled = static_cast<std::size_t>(part * static_cast<double>(width));
    const std::string bar = std::string(filled, '=') + (filled < width ? ">" : "");
    return fmt::format("{} [{:<{}}] {}", items, bar, width, percent);
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
        m_reporter.status(line.substr(0, *columns - 1));
    }
}

void Progress::hide() {
    if (std::exchange(m_shown, false)) {
        m_reporter.status("");
    }
}

} // namespace ordercache
