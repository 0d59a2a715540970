#include "stream.hpp"

#include "tls_stream.hpp"

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace ordercache {

namespace {

std::string reason(int error) {
    return std::generic_category().message(error);
}

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

    void connect(const sockaddr* address, socklen_t length, Deadline deadline) {
        if (::connect(m_fd, address, length) != 0) {
            if (errno != EINPROGRESS) {
                throw StreamError(reason(errno));
            }
            wait(POLLOUT, deadline);
            if (const int error = pending_error(); error != 0) {
                throw StreamError(reason(error));
            }
        }
        if (address->sa_family != AF_UNIX) {
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

private:
    static constexpr int k_type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

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

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

/// Null where there is no such host.
Addresses resolve(const std::string& host, const std::string& port, int flags) {
    addrinfo wanted = {};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = getaddrinfo(host.c_str(), port.c_str(), &wanted, &found);
    if (error != 0 && error != EAI_NONAME) {
        throw StreamError(gai_strerror(error));
    }
    return {error == 0 ? found : nullptr, &freeaddrinfo};
}

/// A name server may take its time, and getaddrinfo cannot be told how long.
Addresses resolve_name(const std::string& host, const std::string& port, Deadline deadline) {
    try {
        auto found =
            watched([host, port] { return resolve(host, port, 0); }, {.deadline = deadline});
        if (!found) {
            throw StreamError("there is no such host");
        }
        return found;
    } catch (const TimedOut&) {
        throw StreamError("the name server did not answer in time");
    }
}

Addresses addresses_of(const RedisService& service, Deadline deadline) {
    auto addresses = resolve(service.host, service.port, AI_NUMERICHOST);
    return addresses ? std::move(addresses) : resolve_name(service.host, service.port, deadline);
}

int length_of(const addrinfo* list) {
    int length = 0;
    for (; list != nullptr; list = list->ai_next) {
        ++length;
    }
    return length;
}

/// An equal part of what is left, so that one silent address does not use up the others' time.
Deadline share_of(Deadline deadline, int sharers) {
    const auto left = deadline.left();
    return left ? Deadline::in(std::chrono::ceil<std::chrono::milliseconds>(*left / sharers))
                : deadline;
}

std::unique_ptr<SocketStream> connect_tcp(const RedisService& service, Deadline deadline) {
    const auto addresses = addresses_of(service, deadline);
    for (const addrinfo* each = addresses.get();; each = each->ai_next) {
        try {
            auto stream = std::make_unique<SocketStream>(each->ai_family);
            stream->connect(each->ai_addr, each->ai_addrlen, share_of(deadline, length_of(each)));
            return stream;
        } catch (const StreamError&) {
            if (each->ai_next == nullptr) {
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
    stream->connect(reinterpret_cast<const sockaddr*>(&address), sizeof address, deadline);
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
