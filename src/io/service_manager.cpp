#include "io/service_manager.hpp"

#include "base/whole_number.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace ordercache {

namespace {

/// Returns nullopt if no watchdog is set, or it is meant for another process.
std::optional<std::chrono::microseconds> watchdog_time(const Environment& environment) {
    const auto process = environment("WATCHDOG_PID");
    if (process && *process != std::to_string(getpid())) {
        return std::nullopt;
    }
    const auto time = parse_whole_number(environment("WATCHDOG_USEC").value_or(""), 1);
    return time ? std::optional(std::chrono::microseconds(*time)) : std::nullopt;
}

} // namespace

ServiceManager::ServiceManager(const Environment& environment)
    : m_socket(environment("NOTIFY_SOCKET")) {
    if (const auto time = watchdog_time(environment)) {
        m_interval = *time / 2;
    }
}

void ServiceManager::status(const std::string& text) {
    if (text == m_status) {
        return;
    }
    std::string message = "STATUS=" + text;
    std::ranges::replace(message, '\n', ' '); // which would begin another assignment
    tell(message);
    if (m_status.empty()) {
        tell("READY=1");
    }
    m_status = text;
}

void ServiceManager::alive() {
    const auto now = std::chrono::steady_clock::now();
    if (m_interval && (!m_said_alive || now - *m_said_alive >= *m_interval)) {
        tell("WATCHDOG=1");
        m_said_alive = now;
    }
}

/// In NOTIFY_SOCKET, `@` stands for the null byte at the start of an abstract address.
void ServiceManager::tell(std::string_view message) const {
    sockaddr_un address = {};
    if (!m_socket || m_socket->empty() || m_socket->size() >= sizeof address.sun_path) {
        return;
    }
    address.sun_family = AF_UNIX;
    std::ranges::copy(*m_socket, address.sun_path);
    if (address.sun_path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + m_socket->size());
    sendto(fd, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), size);
    close(fd);
}

} // namespace ordercache
