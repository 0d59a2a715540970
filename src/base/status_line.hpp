#pragma once

#include "base/reporter.hpp"

#include <chrono>
#include <string>

namespace ordercache {

/// Shows a person how work goes on that takes long: on a terminal, after the first second, ten
/// times a second at most. The destructor removes the line.
class StatusLine {
public:
    /// `reporter`, whose status() must not throw, must outlive this object.
    explicit StatusLine(Reporter& reporter);
    StatusLine(const StatusLine&) = delete;
    StatusLine& operator=(const StatusLine&) = delete;
    ~StatusLine();

    /// Call it now and then while the work goes on.
    void show(const std::string& line);

    /// Removes the line until the next show(), so that other lines can be written.
    void hide();

private:
    using Clock = std::chrono::steady_clock;

    Reporter& m_reporter;
    Clock::time_point m_next;
};

} // namespace ordercache
