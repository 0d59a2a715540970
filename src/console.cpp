#include "console.hpp"

#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace ordercache {

namespace {

/// Where stderr takes nothing there is nobody left to tell.
void write_to_stderr(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            return;
        }
    }
}

} // namespace

void Console::configure(bool verbose, bool quiet) {
    m_verbose = verbose;
    m_quiet = quiet;
}

void Console::note(const std::string& line) {
    if (m_verbose) {
        write_to_stderr(line + '\n');
    }
}

void Console::warn(const std::string& line) {
    if (!m_quiet) {
        write_to_stderr("ordercache: warning: " + line + '\n');
    }
}

void Console::error(const std::string& line) {
    write_to_stderr("ordercache: error: " + line + '\n');
}

void Console::page(const std::string& text) {
    write_to_stderr(text);
}

} // namespace ordercache
