#include "redis/stream.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

/// Answers the first bytes of one client with the same text, and closes the connection.
class PlainServer {
public:
    explicit PlainServer(std::string answer) : m_fd(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(bind(m_fd, generic, length) == 0);
        REQUIRE(listen(m_fd, 1) == 0);
        REQUIRE(getsockname(m_fd, generic, &length) == 0);
        m_port = ntohs(address.sin_port);
        m_thread = std::thread([this, answer = std::move(answer)] { serve(answer); });
    }
    PlainServer(const PlainServer&) = delete;
    PlainServer& operator=(const PlainServer&) = delete;
    ~PlainServer() {
        m_thread.join();
        close(m_fd);
    }

    /// What a client is told that connects by TLS.
    std::string failure() const {
        const auto uri = "rediss://127.0.0.1:" + std::to_string(m_port);
        try {
            connect_stream(parse_redis_uri(uri), Deadline::in(5s));
        } catch (const StreamError& error) {
            return error.what();
        }
        return "";
    }

private:
    void serve(const std::string& answer) const {
        const int client = accept(m_fd, nullptr, nullptr);
        std::array<char, 4096> heard{};
        recv(client, heard.data(), heard.size(), 0);
        send(client, answer.data(), answer.size(), 0);
        close(client);
    }

    int m_fd;
    int m_port = 0;
    std::thread m_thread;
};

} // namespace

TEST_CASE("a server that answers TLS in plain text is told so") {
    CHECK(PlainServer("-ERR unknown command\r\n").failure().starts_with("it does not speak TLS"));
}

TEST_CASE("a connection that ends in the handshake is told so") {
    CHECK(PlainServer("").failure() == "the connection was closed");
}

TEST_CASE("a file for TLS that cannot be used is a bad configuration, and its name is not shown") {
    for (const auto& [file, reason] :
         {std::pair("/nowhere/x", "No such file or directory"), std::pair("/dev/null", "no ")}) {
        for (const std::string option : {"ssl_ca_certs", "ssl_certfile"}) {
            CAPTURE(option);
            try {
                connect_stream(parse_redis_uri("rediss://127.0.0.1:1?" + option + "=" + file),
                               Deadline::in(5s));
                FAIL("the file is taken");
            } catch (const Error& error) {
                CHECK(error.kind() == ErrorKind::usage);
                CHECK(std::string(error.what())
                          .starts_with("REDIS_SERVICE_URI: cannot use " + option + ": " + reason));
            }
        }
    }
}
