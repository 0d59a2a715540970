#pragma once

#include "cache_aside.hpp"
#include "cli.hpp"
#include "config.hpp"
#include "exit_status.hpp"

namespace ordercache {

/// Does what was asked for with the Redis and the PostgreSQL that `config` names, writes the
/// answer to stdout, and gives `done`, or `no` where the answer is no. Throws Error.
ExitStatus run(const Invocation& invocation, const Config& config, Journal& journal);

} // namespace ordercache
