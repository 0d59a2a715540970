#include "base/status_line.hpp"

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_first_shown_after = 1s;
constexpr auto k_redrawn_after = 100ms;

} // namespace

StatusLine::StatusLine(Reporter& reporter)
    : m_reporter(reporter), m_next(Clock::now() + k_first_shown_after) {}

StatusLine::~StatusLine() {
    hide();
}

void StatusLine::show(const std::string& line) {
    if (Clock::now() < m_next) {
        return;
    }
    m_next = Clock::now() + k_redrawn_after;
    m_reporter.status(line);
}

void StatusLine::hide() {
    m_reporter.status("");
}

} // namespace ordercache
