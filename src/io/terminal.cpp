#include "io/terminal.hpp"

#include "base/environment.hpp"

#include <unistd.h>

namespace ordercache {

bool stderr_takes_escapes() {
    const std::string kind = process_environment("TERM").value_or("");
    return !kind.empty() && kind != "dumb" && isatty(STDERR_FILENO) != 0;
}

bool stderr_takes_colours() {
    return process_environment("NO_COLOR").value_or("").empty() && stderr_takes_escapes();
}

} // namespace ordercache
