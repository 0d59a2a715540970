#pragma once

#include "base/reporter.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace ordercache {

/// How far a long command has come.
struct Advance {
    std::int64_t items = 0;
    std::uint64_t bytes = 0;           ///< Read of the input.
    std::optional<std::uint64_t> size; ///< Of the input in bytes; nullopt if that is unknown.
};

/// `12000 orders [==========          ]  54%`, or only the items if the size is unknown; cut to fit
/// into `columns`.
std::string progress_bar(const Advance& advance, const std::string& unit, std::size_t columns);

/// Shows the bar on stderr if that is a terminal, after the first second, ten times a second at
/// most. The destructor removes it.
class Progress {
public:
    /// `unit` is the plural of what is counted. The reporter's status() must not throw.
    Progress(std::string unit, Reporter& reporter);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

    void show(const Advance& advance);

    /// Shows a line in place of the bar if there is one.
    void say(const std::string& line);

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
