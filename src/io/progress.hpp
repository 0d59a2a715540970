#pragma once

#include "base/reporter.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace ordercache {

/// `12000 orders [==========          ]  54%`, or only the items if `part` is nullopt; cut to fit
/// into `columns`. `part` is how much of the input was read, from 0 to 1.
std::string progress_bar(std::int64_t items, const std::string& unit, std::optional<double> part,
                         std::size_t columns);

/// Shows the bar on stderr if that is a terminal, after the first second, ten times a second at
/// most. The destructor removes it.
class Progress {
public:
    /// `unit` is the plural of what is counted. The reporter's status() must not throw.
    Progress(std::string unit, Reporter& reporter);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

    void show(std::int64_t items, std::optional<double> part);

    /// Removes the bar until the next show(), so that other lines can be written.
    void hide();

private:
    using Clock = std::chrono::steady_clock;

    std::string m_unit;
    Reporter& m_reporter;
    Clock::time_point m_next;
    bool m_shown = false;
};

} // namespace ordercache
