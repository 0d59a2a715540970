#pragma once

namespace ordercache {

/// Occupies the descriptors of those of stdin, stdout and stderr that were closed when the program
/// began; reading or writing there goes on to fail. Else the first connection would get one of
/// them, and the answer would be written to a server. Call it before anything is opened.
void occupy_closed_streams();

} // namespace ordercache
