#include "base/version.hpp"

#include "commit.hpp"

namespace ordercache {

std::string version() {
    const std::string commit = ORDERCACHE_COMMIT;
    return commit.empty() ? ORDERCACHE_VERSION : ORDERCACHE_VERSION " (commit " + commit + ")";
}

} // namespace ordercache
