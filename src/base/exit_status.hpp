#pragma once

namespace ordercache {

/// What the program's exit status tells a script. Signals end it as they do by default (128+n).
enum class ExitStatus : int {
    done = 0,
    no = 1,           ///< The answer is no, or it could not be written to stdout.
    usage = 2,        ///< Wrong usage, value or configuration; nothing was changed.
    store_failed = 3, ///< PostgreSQL unreachable, timed out or failing; nothing was written.
    cache_failed = 4, ///< Redis likewise, where the command needs it; nothing was written.
    in_doubt = 5,     ///< An order may have been, or was, committed: look before a retry.
};

} // namespace ordercache
