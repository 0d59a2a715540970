// The version that `--version` prints, such as `1.1.0 (commit 0123456789ab)`.

#pragma once

#include <string>

namespace ordercache {

/// The project's version, with the commit if the program was built from a git checkout, and with
/// `-dirty` if files had been changed.
std::string version();

} // namespace ordercache
