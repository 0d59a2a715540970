#pragma once

#include "base/waiting.hpp"
#include "redis/stream.hpp"
#include "redis/uri.hpp"

#include <memory>
#include <span>
#include <string_view>

namespace ordercache {

/// TLS 1.2 or newer over another stream, whose deadlines and signals hold here too. The server's
/// certificate must come from a known authority and name the service's host, unless the service
/// says otherwise.
class TlsStream : public Stream {
public:
    /// Opens OpenSSL and reads the files that the service names. Throws Error (usage) where one of
    /// them is no good, and StreamError.
    explicit TlsStream(const RedisService& service);
    ~TlsStream() override;

    /// Shakes hands over `transport`, before anything is written or read; the last message of the
    /// handshake goes with the first write. Throws StreamError.
    void start(std::unique_ptr<Stream> transport, Deadline deadline);

    void write(std::string_view bytes, Deadline deadline) override;
    std::size_t read(std::span<char> buffer, Deadline deadline) override;
    bool is_silent() override;

private:
    struct Session;

    template <typename Call>
    std::size_t complete(Call call, Deadline deadline);
    void send_pending(Deadline deadline);
    void receive(Deadline deadline);

    std::unique_ptr<Session> m_session;
    std::unique_ptr<Stream> m_transport;
};

} // namespace ordercache
