#pragma once

#include "base/waiting.hpp"
#include "redis/uri.hpp"

#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>

namespace ordercache {

/// Why a connection could not be made or broke; the message is the reason alone: the caller knows
/// the peer and the act.
struct StreamError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// One connection's bytes. The connection is ours and not hiredis's, for that has no TLS on Debian
/// 12, and where it has TLS it checks no host name; hiredis frames the commands and reads the
/// replies. Every wait ends by its deadline; a signal ends it with Interrupted.
class Stream {
public:
    virtual ~Stream() = default;

    /// Sends all of `bytes`. Throws StreamError.
    virtual void write(std::string_view bytes, Deadline deadline) = 0;

    /// Gives the number of bytes that have come, at least one. Throws StreamError, at the end of
    /// the connection too.
    virtual std::size_t read(std::span<char> buffer, Deadline deadline) = 0;

    /// Whether nothing is there to be read, be it bytes or the connection's end. Does not wait.
    virtual bool is_silent() = 0;
};

/// Connects to the service, each of its addresses in turn. Throws StreamError; Error (usage) where
/// a file that it names for TLS is no good.
std::unique_ptr<Stream> connect_stream(const RedisService& service, Deadline deadline);

} // namespace ordercache
