#include "app/outage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <ctime>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_shortest_pause = 50ms;
constexpr std::chrono::milliseconds k_longest_retry_pause = 1s;
constexpr std::chrono::seconds k_first_reminder = 1min;
constexpr std::chrono::seconds k_longest_reminder_interval = 1h;

/// At most so many reasons are warned of, since one that holds a number may differ at each attempt.
constexpr std::size_t k_most_reasons = 20;

} // namespace

std::string in_utc(std::chrono::system_clock::time_point moment) {
    const std::time_t time = std::chrono::system_clock::to_time_t(moment);
    std::tm fields = {};
    gmtime_r(&time, &fields);
    std::array<char, sizeof "2026-11-29 03:16:29 UTC"> text = {};
    const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &fields);
    return {text.data(), length};
}

void Outage::failed(const Error& error) {
    const auto now = m_now();
    if (!m_state) {
        m_state = {now, now + k_first_reminder, k_first_reminder, {}, {}, k_shortest_pause};
    }
    m_state->last = error.what();
    const bool is_new =
        m_state->told.size() < k_most_reasons && m_state->told.insert(m_state->last).second;
    if (is_new) {
        m_reporter.warn(fmt::format("{}; trying again", error.what()));
    } else if (now >= m_state->next_reminder) {
        m_reporter.warn(
            fmt::format("{}; still trying since {}", error.what(), in_utc(m_state->since)));
        m_state->reminder_interval =
            std::min(2 * m_state->reminder_interval, k_longest_reminder_interval);
        m_state->next_reminder = now + m_state->reminder_interval;
    }
}

void Outage::end() {
    if (m_state) {
        m_reporter.warn("PostgreSQL and Redis answer again: all caches were cleared");
    }
    m_state.reset();
}

std::string Outage::status() const {
    return m_state ? fmt::format("Trying again since {}: {}", in_utc(m_state->since), m_state->last)
                   : "";
}

std::chrono::milliseconds Outage::next_pause() {
    return std::exchange(m_state->pause, std::min(2 * m_state->pause, k_longest_retry_pause));
}

} // namespace ordercache
