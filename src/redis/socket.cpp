#include "redis/socket.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <system_error>

namespace ordercache {

namespace {

constexpr std::chrono::milliseconds k_pause_at_full_queue{5};

/// Networks forget a connection that is idle for 4 to 6 minutes.
constexpr int k_keepalive_seconds = 60;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Socket open_socket(int family) {
    Socket socket(::socket(family, SOCK_STREAM, 0));
    if (socket.fd() < 0 || fcntl(socket.fd(), F_SETFL, O_NONBLOCK) != 0) {
        throw StreamError(system_message(errno));
    }
    return socket;
}

void set_option(const Socket& socket, int level, int option, int value) {
    setsockopt(socket.fd(), level, option, &value, sizeof value);
}

void set_tcp_options(const Socket& socket) {
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, k_keepalive_seconds);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, k_keepalive_seconds);
#endif
}

/// A call to connect that is in progress is repeated, which tells how it ended. A Unix socket whose
/// queue is full refuses at once, where TCP would wait.
Socket connect_to(const addrinfo& address, Deadline deadline) {
    Socket socket = open_socket(address.ai_family);
    if (address.ai_family != AF_UNIX) {
        set_tcp_options(socket);
    }
    while (::connect(socket.fd(), address.ai_addr, address.ai_addrlen) != 0 && errno != EISCONN) {
        if (errno == EINPROGRESS) {
            socket.wait(POLLOUT, deadline);
        } else if (errno != EAGAIN) {
            throw StreamError(system_message(errno));
        } else if (deadline.passed()) {
            throw StreamError("its queue of connections is full: try again");
        } else {
            pause_for(k_pause_at_full_queue);
        }
    }
    return socket;
}

/// Returns null if the host does not exist. With AI_NUMERICHOST a host is an address, and the call
/// does not wait.
Addresses look_up(const std::string& host, const std::string& port, int flags) {
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    if (error != 0 && error != EAI_NONAME) {
        throw StreamError(gai_strerror(error));
    }
    return {error == 0 ? found : nullptr, &freeaddrinfo};
}

Addresses addresses_of(const RedisService& service, Deadline deadline) {
    auto addresses = look_up(service.host, service.port, AI_NUMERICHOST);
    if (!addresses) {
        addresses = run_blocking(
            [host = service.host, port = service.port] { return look_up(host, port, 0); }, deadline,
            "the name server did not answer in time");
    }
    if (!addresses) {
        throw StreamError("there is no such host");
    }
    return addresses;
}

/// An address that does not answer leaves the others half of its time.
Socket connect_tcp(const RedisService& service, Deadline deadline) {
    const auto addresses = addresses_of(service, deadline);
    const addrinfo* address = addresses.get();
    for (; address->ai_next != nullptr; address = address->ai_next) {
        try {
            return connect_to(*address, deadline.halfway());
        } catch (const StreamError&) {
            continue; // with the next one
        }
    }
    return connect_to(*address, deadline);
}

Socket connect_unix(const std::string& path, Deadline deadline) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw StreamError(system_message(ENAMETOOLONG));
    }
    path.copy(address.sun_path, path.size());
    addrinfo unix_address = {};
    unix_address.ai_family = AF_UNIX;
    unix_address.ai_addr = reinterpret_cast<sockaddr*>(&address);
    unix_address.ai_addrlen = sizeof address;
    return connect_to(unix_address, deadline);
}

} // namespace

Socket Socket::connect(const RedisService& service, Deadline deadline) {
    return service.transport == RedisService::Transport::unix_socket
               ? connect_unix(service.host, deadline)
               : connect_tcp(service, deadline);
}

Socket::~Socket() {
    if (m_fd >= 0) {
        close(m_fd);
    }
}

void Socket::wait(short events, Deadline deadline) const {
    if (!wait_for(m_fd, events, deadline)) {
        throw StreamTimeout();
    }
}

void Socket::write(std::string_view bytes, Deadline deadline) {
    while (!bytes.empty()) {
        const ssize_t sent = send(m_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else {
            wait_or_throw(POLLOUT, deadline);
        }
    }
}

std::size_t Socket::read(std::span<char> buffer, Deadline deadline) {
    wait(POLLIN, deadline);
    ssize_t received = 0;
    while ((received = recv(m_fd, buffer.data(), buffer.size(), 0)) < 0) {
        wait_or_throw(POLLIN, deadline);
    }
    if (received == 0) {
        throw StreamError("the connection was closed");
    }
    return static_cast<std::size_t>(received);
}

bool Socket::is_silent() {
    char byte = 0;
    return recv(m_fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

/// Called after a system call failed, before it is repeated.
void Socket::wait_or_throw(short events, Deadline deadline) const {
    if (errno != EAGAIN && errno != EINTR) {
        throw StreamError(system_message(errno));
    }
    wait(events, deadline);
}

std::unique_ptr<Stream> connect_stream(const RedisService& service, Deadline deadline) {
    if (service.transport == RedisService::Transport::tls) {
        return connect_tls_stream(service, deadline);
    }
    return std::make_unique<Socket>(Socket::connect(service, deadline));
}

std::string system_message(int error) {
    return std::generic_category().message(error);
}

} // namespace ordercache
