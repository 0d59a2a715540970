#pragma once

#include "base/waiting.hpp"

#include <string_view>

namespace ordercache {

/// Opens /dev/null for those of stdin, stdout and stderr that were closed when the program began,
/// the wrong way round, so that using them still fails. Else the first connection would get such a
/// descriptor, and the answer would be written to a server. Call it before anything is opened.
void occupy_closed_streams();

/// Writes all of the text. Returns 0, or the errno of the failure: ETIMEDOUT when the limit has
/// passed. Throws Interrupted when a signal arrives.
int write_all(int fd, std::string_view text, TimeLimit limit);

/// Whether stderr is a terminal that understands escape sequences, unlike TERM=dumb.
bool stderr_takes_escapes();

/// The same for colours, unless NO_COLOR is set.
bool stderr_takes_colours();

} // namespace ordercache
