#pragma once

#include "base/environment.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ordercache {

/// The service manager that started the program, if one did: sd_notify(3) of systemd. It is told in
/// a datagram each, and one that cannot be sent is lost: nothing here throws or waits.
class ServiceManager {
public:
    /// Looks at NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    explicit ServiceManager(const Environment& environment);

    /// The program does its work from now on. The second time says nothing.
    void ready();

    /// The program is alive; said twice in each time that the manager grants, if it wants to know.
    void alive();

private:
    void tell(std::string_view state) const;

    std::optional<std::string> m_socket;
    std::optional<std::chrono::microseconds> m_interval; ///< Absent: it does not want to know.
    std::optional<std::chrono::steady_clock::time_point> m_said_alive;
    bool m_said_ready = false;
};

} // namespace ordercache
