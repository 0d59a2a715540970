#include "redis/tls_stream.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

/// Answers whatever it is told with the same bytes.
class Plain : public Stream {
public:
    Plain(std::string answer, std::string& heard) : m_answer(std::move(answer)), m_heard(heard) {}

    void write(std::string_view bytes, Deadline /*deadline*/) override { m_heard += bytes; }
    std::size_t read(std::span<char> buffer, Deadline /*deadline*/) override {
        if (m_answer.empty()) {
            throw StreamError("the connection was closed");
        }
        return m_answer.copy(buffer.data(), buffer.size());
    }
    bool is_silent() override { return true; }

private:
    std::string m_answer;
    std::string& m_heard;
};

std::string handshake_failure(const std::string& answer, std::string& heard) {
    TlsStream stream(parse_redis_uri("rediss://cache.example"));
    try {
        stream.start(std::make_unique<Plain>(answer, heard), Deadline::in(5s));
    } catch (const StreamError& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("a server that answers TLS in plain text is told so, and hears no more than a greeting") {
    std::string heard;
    CHECK(
        handshake_failure("-ERR unknown command\r\n", heard).starts_with("it does not speak TLS"));
    CHECK(heard.starts_with("\x16\x03"));
    CHECK(heard.find("cache.example") != std::string::npos);
}

TEST_CASE("a connection that ends in the handshake is told so") {
    std::string heard;
    CHECK(handshake_failure("", heard) == "the connection was closed");
}

TEST_CASE("a file for TLS that is no good is a bad configuration, and its name is not shown") {
    for (const auto* const option : {"ssl_ca_certs", "ssl_certfile"}) {
        try {
            TlsStream stream(parse_redis_uri("rediss://h?" + std::string(option) + "=/nowhere/x"));
            FAIL("the file is taken");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
            CHECK(std::string(error.what()).find(option) != std::string::npos);
            CHECK(std::string(error.what()).find("nowhere") == std::string::npos);
        }
    }
}
