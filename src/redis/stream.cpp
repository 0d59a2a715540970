#include "redis/stream.hpp"

#include "redis/socket.hpp"
#include "redis/tls_stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace ordercache {

namespace {

class PlainStream : public Stream {
public:
    explicit PlainStream(Socket socket) : m_socket(std::move(socket)) {}

    void write(std::string_view bytes, Deadline deadline) override {
        while (!bytes.empty()) {
            const ssize_t sent = send(m_socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            } else {
                wait_or_throw(POLLOUT, deadline);
            }
        }
    }

    std::size_t read(std::span<char> buffer, Deadline deadline) override {
        m_socket.wait(POLLIN, deadline);
        ssize_t received = 0;
        while ((received = recv(m_socket.fd(), buffer.data(), buffer.size(), 0)) < 0) {
            wait_or_throw(POLLIN, deadline);
        }
        if (received == 0) {
            throw StreamError("the connection was closed");
        }
        return static_cast<std::size_t>(received);
    }

    bool is_silent() override {
        char byte = 0;
        return recv(m_socket.fd(), &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
    }

private:
    /// To be called after a call that failed, before it is repeated.
    void wait_or_throw(short events, Deadline deadline) const {
        if (errno != EAGAIN && errno != EINTR) {
            throw StreamError(system_message(errno));
        }
        m_socket.wait(events, deadline);
    }

    Socket m_socket;
};

} // namespace

std::unique_ptr<Stream> connect_stream(const RedisService& service, Deadline deadline) {
    if (service.transport == RedisService::Transport::tls) {
        return connect_tls_stream(service, deadline);
    }
    return std::make_unique<PlainStream>(Socket::connect(service, deadline));
}

} // namespace ordercache
