#pragma once

#include "base/waiting.hpp"
#include "redis/uri.hpp"

#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>

namespace ordercache {

/// A connection could not be made, or it broke. The message is the reason alone: the caller knows
/// the peer and the act.
struct StreamError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The peer did not answer by the deadline.
struct StreamTimeout : StreamError {
    StreamTimeout() : StreamError("no answer in time") {}
};

/// The bytes of one connection. hiredis only formats commands and reads replies: on Debian 12 it
/// has no TLS, and its TLS does not check the host's name. Each wait ends at its deadline, and
/// throws Interrupted when a signal arrives.
class Stream {
public:
    virtual ~Stream() = default;

    /// Sends all of `bytes`. Throws StreamError.
    virtual void write(std::string_view bytes, Deadline deadline) = 0;

    /// Waits for bytes and returns their number, at least 1. Throws StreamError, also at the end of
    /// the connection.
    virtual std::size_t read(std::span<char> buffer, Deadline deadline) = 0;

    /// Returns whether the connection is open and there is nothing to read. Does not wait.
    virtual bool is_silent() = 0;
};

/// Connects to the service. With TLS, the server's certificate must come from a known authority and
/// name the service's host, unless the service says otherwise; SIGPIPE must be ignored, for OpenSSL
/// writes to the socket. Throws StreamError and, before it connects, Error (usage) if a file that
/// the service names cannot be used.
std::unique_ptr<Stream> connect_stream(const RedisService& service, Deadline deadline);

/// A function that connects, such as connect_stream(). Tests replace it.
using Connect = std::function<std::unique_ptr<Stream>(const RedisService&, Deadline)>;

} // namespace ordercache
