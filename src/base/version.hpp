// The version that `--version` prints, such as `1.1.0 (commit 0123456789ab)`.

#pragma once

#include <string>

namespace ordercache {

/// The project's version, and the commit where the program was built from a git checkout: with
/// `-dirty` at its end where files had been changed.
std::string version();

} // namespace ordercache
