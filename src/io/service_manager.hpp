#pragma once

#include "base/environment.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ordercache {

/// The service manager that started the program, if one did: see sd_notify(3). Each message is a
/// datagram, and one that cannot be sent is lost: nothing here throws or waits.
class ServiceManager {
public:
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    explicit ServiceManager(const Environment& environment);

    /// Says in a line what the program does. The first call also says that the program has started.
    /// A second call with the same text does nothing. An empty text clears what was said.
    void status(const std::string& text);

    /// Says that the program is alive, twice in each interval of the watchdog, if there is one.
    void alive();

private:
    void tell(std::string_view message) const;

    std::optional<std::string> m_socket;
    std::optional<std::chrono::microseconds> m_interval; ///< nullopt without a watchdog.
    std::optional<std::chrono::steady_clock::time_point> m_said_alive;
    std::string m_status;
};

} // namespace ordercache
