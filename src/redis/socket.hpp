#pragma once

#include "base/waiting.hpp"
#include "redis/stream.hpp"

#include <string>
#include <utility>

namespace ordercache {

/// A connected socket that does not block.
class Socket : public Stream {
public:
    /// Connects to the service, to each of its addresses in turn. Throws StreamError.
    static Socket connect(const RedisService& service, Deadline deadline);

    explicit Socket(int fd) : m_fd(fd) {}
    Socket(Socket&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket() override;

    int fd() const { return m_fd; }

    /// Waits until the socket is ready for `events` (poll's). Throws StreamTimeout at the deadline.
    void wait(short events, Deadline deadline) const;

    void write(std::string_view bytes, Deadline deadline) override;
    std::size_t read(std::span<char> buffer, Deadline deadline) override;
    bool is_silent() override;

private:
    void wait_or_throw(short events, Deadline deadline) const;

    int m_fd;
};

/// Connects with TLS 1.2 or newer, as connect_stream() does.
std::unique_ptr<Stream> connect_tls_stream(const RedisService& service, Deadline deadline);

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
