#pragma once

#include "base/waiting.hpp"

#include <memory>
#include <stop_token>
#include <string>

struct pg_conn;

namespace ordercache {

/// libpq's connection.
using PostgresHandle = std::unique_ptr<pg_conn, void (*)(pg_conn*)>;

/// Connects by libpq's connection string. Its `connect_timeout` counts for each host, as in libpq.
/// Without one all hosts share 5 s, and each of several has 2 s. The deadline and a request to stop
/// end it, unless it looks up a name or reads a file. Throws NoConnection, and BadSetting.
PostgresHandle connect(const std::string& connection_string, Deadline deadline,
                       const std::stop_token& stop);

} // namespace ordercache
