#include "redis/stream.hpp"

#include "base/uri.hpp"
#include "redis/tls_stream.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace ordercache {

namespace {

constexpr std::chrono::milliseconds k_pause_at_full_queue{5};

std::string reason(int error) {
    return std::generic_category().message(error);
}

/// Of any family.
class Address {
public:
    Address(const void* address, std::size_t length) : m_length(static_cast<socklen_t>(length)) {
        std::memcpy(&m_storage, address, length);
    }

    int family() const { return m_storage.ss_family; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&m_storage); }
    socklen_t length() const { return m_length; }

private:
    sockaddr_storage m_storage = {};
    socklen_t m_length;
};

class SocketStream : public Stream {
public:
    explicit SocketStream(int family) : m_fd(socket(family, k_type, 0)) {
        if (m_fd < 0) {
            throw StreamError(reason(errno));
        }
    }
    SocketStream(const SocketStream&) = delete;
    SocketStream& operator=(const SocketStream&) = delete;
    ~SocketStream() override { close(m_fd); }

    void connect(const Address& address, Deadline deadline) {
        if (!is_connected_at_once(address, deadline)) {
            wait(POLLOUT, deadline);
            if (const int error = pending_error(); error != 0) {
                throw StreamError(reason(error));
            }
        }
        if (address.family() != AF_UNIX) {
            send_small_writes_at_once();
        }
    }

    void write(std::string_view bytes, Deadline deadline) override {
        while (!bytes.empty()) {
            const ssize_t sent = send(m_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            } else if (errno == EAGAIN) {
                wait(POLLOUT, deadline);
            } else if (errno != EINTR) {
                throw StreamError(reason(errno));
            }
        }
    }

    std::size_t read(std::span<char> buffer, Deadline deadline) override {
        for (;;) {
            wait(POLLIN, deadline);
            const ssize_t received = recv(m_fd, buffer.data(), buffer.size(), 0);
            if (received > 0) {
                return static_cast<std::size_t>(received);
            }
            if (received == 0) {
                throw StreamError("the connection was closed");
            }
            if (errno != EAGAIN && errno != EINTR) {
                throw StreamError(reason(errno));
            }
        }
    }

    bool is_silent() override {
        char byte = 0;
        return recv(m_fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
    }

private:
    static constexpr int k_type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

    /// False: it is on the way. A Unix socket whose queue is full refuses, where TCP would wait.
    bool is_connected_at_once(const Address& address, Deadline deadline) const {
        while (::connect(m_fd, address.get(), address.length()) != 0) {
            if (errno == EINPROGRESS) {
                return false;
            }
            if (errno != EAGAIN) {
                throw StreamError(reason(errno));
            }
            if (deadline.passed()) {
                throw StreamError("its queue of connections is full: try again");
            }
            pause_for(k_pause_at_full_queue);
        }
        return true;
    }

    void wait(short events, Deadline deadline) const {
        if (!wait_for(m_fd, events, deadline)) {
            throw StreamError("no answer in time");
        }
    }

    int pending_error() const {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(m_fd, SOL_SOCKET, SO_ERROR, &error, &length);
        return error;
    }

    void send_small_writes_at_once() const {
        const int on = 1;
        setsockopt(m_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    int m_fd;
};

/// The address that the host is written as; absent: it must be looked up.
std::optional<Address> literal_address(const std::string& host, std::uint16_t port) {
    sockaddr_in ipv4 = {};
    if (inet_pton(AF_INET, host.c_str(), &ipv4.sin_addr) == 1) {
        ipv4.sin_family = AF_INET;
        ipv4.sin_port = htons(port);
        return Address(&ipv4, sizeof ipv4);
    }
    sockaddr_in6 ipv6 = {};
    if (inet_pton(AF_INET6, host.c_str(), &ipv6.sin6_addr) == 1) {
        ipv6.sin6_family = AF_INET6;
        ipv6.sin6_port = htons(port);
        return Address(&ipv6, sizeof ipv6);
    }
    return std::nullopt;
}

std::vector<Address> look_up(const std::string& host, const std::string& port) {
    addrinfo wanted = {};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(host.c_str(), port.c_str(), &wanted, &found);
    if (error != 0) {
        throw StreamError(error == EAI_NONAME ? "there is no such host" : gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
    std::vector<Address> addresses;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        addresses.emplace_back(each->ai_addr, each->ai_addrlen);
    }
    return addresses;
}

std::vector<Address> addresses_of(const RedisService& service, Deadline deadline) {
    if (const auto address = literal_address(service.host, parse_port(service.port).value())) {
        return {*address};
    }
    // A name server may take its time, and getaddrinfo cannot be told how long.
    try {
        return run_cancellable(
            [host = service.host, port = service.port] { return look_up(host, port); },
            {.deadline = deadline});
    } catch (const TimedOut&) {
        throw StreamError("the name server did not answer in time");
    } catch (const NoThread& error) {
        throw StreamError(error.what());
    }
}

/// An equal part of what is left, so that one silent address does not use up the others' time.
Deadline share_of(Deadline deadline, std::size_t sharers) {
    const auto left = deadline.left();
    return left ? Deadline::in(std::chrono::ceil<std::chrono::milliseconds>(*left / sharers))
                : deadline;
}

std::unique_ptr<SocketStream> connect_tcp(const RedisService& service, Deadline deadline) {
    const auto addresses = addresses_of(service, deadline);
    for (auto address = addresses.begin();; ++address) {
        const auto left = static_cast<std::size_t>(addresses.end() - address);
        try {
            auto stream = std::make_unique<SocketStream>(address->family());
            stream->connect(*address, share_of(deadline, left));
            return stream;
        } catch (const StreamError&) {
            if (left == 1) {
                throw;
            }
        }
    }
}

std::unique_ptr<SocketStream> connect_unix(const std::string& path, Deadline deadline) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw StreamError(reason(ENAMETOOLONG));
    }
    path.copy(address.sun_path, path.size());
    auto stream = std::make_unique<SocketStream>(AF_UNIX);
    stream->connect(Address(&address, sizeof address), deadline);
    return stream;
}

/// What the service names for TLS is read before anything is contacted.
std::unique_ptr<TlsStream> connect_tls(const RedisService& service, Deadline deadline) {
    auto stream = std::make_unique<TlsStream>(service);
    stream->start(connect_tcp(service, deadline), deadline);
    return stream;
}

} // namespace

std::unique_ptr<Stream> connect_stream(const RedisService& service, Deadline deadline) {
    switch (service.transport) {
    case RedisService::Transport::unix_socket:
        return connect_unix(service.host, deadline);
    case RedisService::Transport::tls:
        return connect_tls(service, deadline);
    case RedisService::Transport::tcp:
        break;
    }
    return connect_tcp(service, deadline);
}

} // namespace ordercache
