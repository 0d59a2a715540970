#pragma once

#include "base/waiting.hpp"
#include "redis/stream.hpp"
#include "redis/uri.hpp"

#include <string>
#include <utility>

namespace ordercache {

/// A connected socket that does not block. A call that would block fails, and wait() tells when to
/// repeat it.
class Socket {
public:
    /// Connects to the service, to each of its addresses in turn. Throws StreamError.
    static Socket connect(const RedisService& service, Deadline deadline);

    explicit Socket(int fd) : m_fd(fd) {}
    Socket(Socket&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket();

    int fd() const { return m_fd; }

    /// Waits until the socket is ready for `events` (poll's). Throws StreamError at the deadline,
    /// and Interrupted when a signal arrives.
    void wait(short events, Deadline deadline) const;

private:
    int m_fd;
};

/// Returns whether the host is an IPv4 or IPv6 address.
bool is_address(const std::string& host);

/// Returns the system's message for an errno.
std::string system_message(int error);

/// Runs `call`, which may block and must own all that it uses, in another thread. Throws
/// StreamError(`too_late`) at the deadline, and Interrupted when a signal arrives.
template <typename Call>
auto run_blocking(Call call, Deadline deadline, const char* too_late) {
    try {
        return run_cancellable(std::move(call), {.deadline = deadline});
    } catch (const TimedOut&) {
        throw StreamError(too_late);
    } catch (const NoThread& error) {
        throw StreamError(error.what());
    }
}

} // namespace ordercache
