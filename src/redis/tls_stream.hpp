#pragma once

#include "base/waiting.hpp"
#include "redis/stream.hpp"
#include "redis/uri.hpp"

#include <memory>

namespace ordercache {

/// Connects with TLS 1.2 or newer. The server's certificate must come from a known authority and
/// name the service's host, unless the service says otherwise. SIGPIPE must be ignored, for
/// OpenSSL writes to the socket. Throws StreamError, and Error (usage), before it connects, if a
/// file that the service names cannot be used.
std::unique_ptr<Stream> connect_tls_stream(const RedisService& service, Deadline deadline);

} // namespace ordercache
