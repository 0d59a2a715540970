#include "io/line_reader.hpp"

#include "base/signals.hpp"
#include "base/waiting.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ordercache {

namespace {

constexpr std::size_t k_longest_line = 64 << 10;

constexpr std::string_view k_byte_order_mark = "\xEF\xBB\xBF";

Error cannot_read(const std::string& name) {
    return usage_error(fmt::format("cannot read {}: {}", name, std::strerror(errno)));
}

/// A regular file is always ready, so that a wait for it would let no signal through.
void let_signals_through() {
    if (const auto signal = take_held_signal()) {
        throw Interrupted{*signal};
    }
}

std::string_view without_line_end(std::string_view line) {
    if (line.ends_with('\n')) {
        line.remove_suffix(1);
    }
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

} // namespace

LineReader::LineReader(const std::string& path)
    : m_name(path == "-" ? "stdin" : path),
      m_fd(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)),
      m_buffer(k_longest_line) {
    if (m_fd < 0) {
        throw cannot_read(m_name);
    }
}

LineReader::~LineReader() {
    if (m_fd != STDIN_FILENO) {
        close(m_fd);
    }
}

std::optional<std::string_view> LineReader::next() {
    std::size_t searched = m_begin;
    const char* line_end = nullptr;
    do {
        const char* const from = m_buffer.data() + searched;
        line_end = static_cast<const char*>(std::memchr(from, '\n', m_end - searched));
        searched = m_end - m_begin; // where read_more() leaves it
    } while (line_end == nullptr && read_more());

    const std::size_t end =
        line_end != nullptr ? static_cast<std::size_t>(line_end + 1 - m_buffer.data()) : m_end;
    std::string_view line(m_buffer.data() + m_begin, end - m_begin);
    if (line.empty()) {
        return std::nullopt;
    }
    m_begin = end;
    m_bytes += line.size();
    if (++m_number == 1 && line.starts_with(k_byte_order_mark)) {
        line.remove_prefix(k_byte_order_mark.size());
    }
    return without_line_end(line);
}

std::optional<std::uint64_t> LineReader::size() const {
    struct stat status = {};
    if (fstat(m_fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(status.st_size);
}

std::string LineReader::complaint(std::size_t line, std::string_view what) const {
    return fmt::format("{}, line {}: {}", m_name, line, what);
}

/// Moves the line that has begun to the front of the buffer and reads on; false at the end.
bool LineReader::read_more() {
    std::copy(m_buffer.begin() + static_cast<std::ptrdiff_t>(m_begin),
              m_buffer.begin() + static_cast<std::ptrdiff_t>(m_end), m_buffer.begin());
    m_end -= m_begin;
    m_begin = 0;
    if (m_end == m_buffer.size()) {
        throw usage_error(complaint(m_number + 1, "it is too long for a line"));
    }
    let_signals_through();
    wait_for(m_fd, POLLIN, Deadline::never());
    const ssize_t got = read(m_fd, m_buffer.data() + m_end, m_buffer.size() - m_end);
    if (got < 0 && errno != EAGAIN) {
        throw cannot_read(m_name);
    }
    m_end += got > 0 ? static_cast<std::size_t>(got) : 0;
    return got != 0;
}

} // namespace ordercache
