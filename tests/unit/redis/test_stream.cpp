#include "redis/socket.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

/// A Unix socket that somebody listens at, in a folder of its own.
class Listener {
public:
    explicit Listener(int backlog = 8) : m_fd(socket(AF_UNIX, SOCK_STREAM, 0)) {
        REQUIRE(mkdtemp(m_folder.data()) != nullptr);
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        path().copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(bind(m_fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(listen(m_fd, backlog) == 0);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() {
        close(m_fd);
        unlink(path().c_str());
        rmdir(m_folder.c_str());
    }

    std::string path() const { return m_folder + "/s"; }
    int accept_one() const { return accept(m_fd, nullptr, nullptr); }

    std::unique_ptr<Stream> connect(std::chrono::milliseconds timeout = 5s) const {
        RedisService service;
        service.transport = RedisService::Transport::unix_socket;
        service.host = path();
        return connect_stream(service, Deadline::in(timeout));
    }

private:
    std::string m_folder = "/tmp/ordercache-stream-XXXXXX";
    int m_fd;
};

std::string read_some(Stream& stream, std::chrono::milliseconds timeout = 5s) {
    std::array<char, 16> buffer{};
    return {buffer.data(), stream.read(buffer, Deadline::in(timeout))};
}

int option(const Socket& socket, int level, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    REQUIRE(getsockopt(socket.fd(), level, name, &value, &length) == 0);
    return value;
}

} // namespace

TEST_CASE("a TCP connection is kept alive, and sends small writes at once") {
    const Socket listener(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address = {};
    socklen_t length = sizeof address;
    REQUIRE(listen(listener.fd(), 1) == 0); // at a free port of any address
    REQUIRE(getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    RedisService service;
    service.host = "127.0.0.1";
    service.port = std::to_string(ntohs(address.sin_port));
    const Socket socket = Socket::connect(service, Deadline::in(5s));
    CHECK(option(socket, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option(socket, IPPROTO_TCP, TCP_KEEPIDLE) == 60);
    CHECK(option(socket, IPPROTO_TCP, TCP_KEEPINTVL) == 60);
    CHECK(option(socket, IPPROTO_TCP, TCP_NODELAY) == 1);
}

TEST_CASE("what is written to a stream comes out at the other end, and back") {
    const Listener listener;
    const auto stream = listener.connect();
    const int peer = listener.accept_one();
    stream->write("ping", Deadline::in(5s));
    std::array<char, 16> heard{};
    CHECK(read(peer, heard.data(), heard.size()) == 4);
    CHECK(write(peer, "pong", 4) == 4);
    CHECK(read_some(*stream) == "pong");
    close(peer);
}

TEST_CASE("a stream is silent until bytes or its end arrive") {
    const Listener listener;
    const auto stream = listener.connect();
    const int peer = listener.accept_one();
    CHECK(stream->is_silent());
    CHECK(write(peer, "x", 1) == 1);
    CHECK_FALSE(stream->is_silent());
    CHECK(read_some(*stream) == "x");
    CHECK(stream->is_silent());
    close(peer);
    CHECK_FALSE(stream->is_silent());
    CHECK_THROWS_WITH_AS(read_some(*stream), "the connection was closed", StreamError);
}

TEST_CASE("a read ends by its deadline") {
    const Listener listener;
    const auto stream = listener.connect();
    CHECK_THROWS_WITH_AS(read_some(*stream, 20ms), "no answer in time", StreamError);
}

TEST_CASE("a connection to a socket whose queue is full is made once there is room") {
    const Listener listener(0);
    const auto first = listener.connect();
    std::thread makes_room([&] {
        std::this_thread::sleep_for(50ms);
        close(listener.accept_one());
    });
    CHECK_NOTHROW(listener.connect());
    makes_room.join();
}

TEST_CASE("a queue that stays full ends the wait for it by its deadline") {
    const Listener listener(0);
    const auto first = listener.connect();
    CHECK_THROWS_WITH_AS(listener.connect(20ms), "its queue of connections is full: try again",
                         StreamError);
}

TEST_CASE("a socket that is not there is told") {
    RedisService service;
    service.transport = RedisService::Transport::unix_socket;
    service.host = "/nowhere/redis.sock";
    CHECK_THROWS_WITH_AS(connect_stream(service, Deadline::in(5s)), "No such file or directory",
                         StreamError);
    service.host = std::string(200, 'x');
    CHECK_THROWS_WITH_AS(connect_stream(service, Deadline::in(5s)), "File name too long",
                         StreamError);
}
