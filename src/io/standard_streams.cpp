#include "io/standard_streams.hpp"

#include "base/environment.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace ordercache {

void occupy_closed_streams() {
    std::array<pollfd, 3> streams = {
        {{STDIN_FILENO, 0, 0}, {STDOUT_FILENO, 0, 0}, {STDERR_FILENO, 0, 0}}};
    poll(streams.data(), streams.size(), 0);
    for (const pollfd& stream : streams) {
        const bool is_closed = (stream.revents & POLLNVAL) != 0;
        if (is_closed) {
            // open() returns the lowest free descriptor, which is this one.
            open("/dev/null", stream.fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

int write_all(int fd, std::string_view text, TimeLimit limit) {
    while (!text.empty()) {
        if (!wait_for(fd, POLLOUT, limit.deadline())) {
            return ETIMEDOUT;
        }
        // A writable pipe takes PIPE_BUF bytes without blocking.
        const ssize_t written =
            ::write(fd, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EAGAIN && errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

bool stderr_takes_escapes() {
    const std::string kind = process_environment("TERM").value_or("");
    return !kind.empty() && kind != "dumb" && isatty(STDERR_FILENO) != 0;
}

bool stderr_takes_colours() {
    return process_environment("NO_COLOR").value_or("").empty() && stderr_takes_escapes();
}

} // namespace ordercache
