#pragma once

#include "base/reporter.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace ordercache {

/// How far a long work has come.
struct Advance {
    std::int64_t items = 0;
    std::uint64_t bytes = 0;           ///< Of the input.
    std::optional<std::uint64_t> size; ///< All bytes of the input; absent: nobody knows.
};

/// `12000 orders [=====>    ]  54%`, or without a size the items alone; within `columns`.
std::string progress_bar(const Advance& advance, const std::string& unit, std::size_t columns);

/// Shows the bar once the work has taken a second, ten times a second at most, where stderr is a
/// terminal that can draw it; gone when this is destroyed.
class Progress {
public:
    /// `unit` is what is counted, in the plural. The reporter must outlive this, and its status()
    /// must not throw.
    Progress(std::string unit, Reporter& reporter);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

    void show(const Advance& advance);

    /// Puts a line in the bar's place, where there is a bar: what is waited for without an advance.
    void say(const std::string& line);

    /// Takes the bar away until it is shown again, for other lines to be written.
    void hide();

private:
    using Clock = std::chrono::steady_clock;

    std::string m_unit;
    Reporter& m_reporter;
    Clock::time_point m_next;
    bool m_shown = false;
};

} // namespace ordercache
