#include "io/standard_streams.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>

namespace ordercache {

void occupy_closed_streams() {
    std::array<pollfd, 3> streams = {
        {{STDIN_FILENO, 0, 0}, {STDOUT_FILENO, 0, 0}, {STDERR_FILENO, 0, 0}}};
    poll(streams.data(), streams.size(), 0);
    for (const pollfd& stream : streams) {
        const bool is_closed = (stream.revents & POLLNVAL) != 0;
        if (is_closed) {
            // The lowest that is free is this one; opened the wrong way round, it serves nobody.
            open("/dev/null", stream.fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

} // namespace ordercache
