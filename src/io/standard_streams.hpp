#pragma once

#include "base/waiting.hpp"

#include <string_view>

namespace ordercache {

/// Opens /dev/null in place of each standard stream that was closed when the program began.
/// Otherwise a connection would get its descriptor, and the answer would be written to a server.
/// stdin is opened for writing and the others for reading, so that using them still fails. Call it
/// before anything is opened.
void occupy_closed_streams();

/// Writes all of the text. Returns 0, or the errno of the failure: ETIMEDOUT when the limit has
/// passed. Throws Interrupted when a signal arrives.
int write_all(int fd, std::string_view text, TimeLimit limit);

/// Whether stderr is a terminal that understands escape sequences, unlike TERM=dumb.
bool stderr_takes_escapes();

/// Whether stderr also shows colours: not if NO_COLOR is set.
bool stderr_takes_colours();

} // namespace ordercache
