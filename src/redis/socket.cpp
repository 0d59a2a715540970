#include "redis/socket.hpp"

#include "base/uri.hpp"

#include <arpa/inet.h>
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
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace ordercache {

namespace {

constexpr std::chrono::milliseconds k_pause_at_full_queue{5};

/// Networks forget a connection that is idle for 4 to 6 minutes.
constexpr int k_keepalive_seconds = 60;

/// An address of any family.
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

/// Returns false if the connection is in progress. A Unix socket whose queue is full refuses at
/// once, where TCP would wait.
bool begin_connecting(const Socket& socket, const Address& address, Deadline deadline) {
    while (::connect(socket.fd(), address.get(), address.length()) != 0) {
        if (errno == EINPROGRESS) {
            return false;
        }
        if (errno != EAGAIN) {
            throw StreamError(system_message(errno));
        }
        if (deadline.passed()) {
            throw StreamError("its queue of connections is full: try again");
        }
        pause_for(k_pause_at_full_queue);
    }
    return true;
}

void finish_connecting(const Socket& socket, Deadline deadline) {
    socket.wait(POLLOUT, deadline);
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
        throw StreamError(system_message(error));
    }
}

Socket connect_to(const Address& address, Deadline deadline) {
    Socket socket = open_socket(address.family());
    if (address.family() != AF_UNIX) {
        set_tcp_options(socket);
    }
    if (!begin_connecting(socket, address, deadline)) {
        finish_connecting(socket, deadline);
    }
    return socket;
}

/// Returns nullopt if the host is a name, which must be looked up.
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
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
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
    return run_blocking([host = service.host, port = service.port] { return look_up(host, port); },
                        deadline, "the name server did not answer in time");
}

/// Returns an equal part of what is left, so that an address that does not answer leaves the others
/// their time.
Deadline share_of(Deadline deadline, std::size_t sharers) {
    const auto left = deadline.left();
    return left ? Deadline::in(std::chrono::ceil<std::chrono::milliseconds>(*left / sharers))
                : deadline;
}

Socket connect_tcp(const RedisService& service, Deadline deadline) {
    const auto addresses = addresses_of(service, deadline);
    for (auto address = addresses.begin();; ++address) {
        const auto left = static_cast<std::size_t>(addresses.end() - address);
        try {
            return connect_to(*address, share_of(deadline, left));
        } catch (const StreamError&) {
            if (left == 1) {
                throw;
            }
        }
    }
}

Socket connect_unix(const std::string& path, Deadline deadline) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw StreamError(system_message(ENAMETOOLONG));
    }
    path.copy(address.sun_path, path.size());
    return connect_to(Address(&address, sizeof address), deadline);
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

bool is_address(const std::string& host) {
    return literal_address(host, 0).has_value();
}

std::string system_message(int error) {
    return std::generic_category().message(error);
}

} // namespace ordercache
