#include "io/line_reader.hpp"

#include "base/signals.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

namespace ordercache {

namespace {

constexpr std::size_t k_longest_line = 64 << 10;

constexpr std::string_view k_byte_order_mark = "\xEF\xBB\xBF";

Error cannot_read(const std::string& name, const char* reason) {
    return usage_error(fmt::format("cannot read {}: {}", name, reason));
}

/// Returns what is wrong with a line's bytes, whatever its meaning, or nullptr if nothing is.
const char* fault_of(std::string_view line) {
    const auto has = [line](auto bytes) { return line.find(bytes) != std::string_view::npos; };
    if (has('\0') || has('\xFF')) {
        return "the file is not UTF-8, maybe UTF-16: save it as UTF-8";
    }
    if (has('\r')) {
        return "there is a carriage return within the line: end each line with LF or CRLF";
    }
    if (has(k_byte_order_mark)) {
        return "there is a byte-order mark within the file: were two files joined?";
    }
    return nullptr;
}

} // namespace

/// Opens with O_NONBLOCK, since opening a FIFO would wait otherwise, and neither a signal nor the
/// limit would end that wait.
LineReader::LineReader(const std::string& path, TimeLimit limit)
    : m_name(path == "-" ? "stdin" : path),
      m_fd(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)),
      m_limit(limit), m_buffer(k_longest_line), m_unread(m_buffer.begin(), m_buffer.begin()) {
    if (m_fd < 0) {
        throw cannot_read(m_name, std::strerror(errno));
    }
}

LineReader::~LineReader() {
    if (m_fd != STDIN_FILENO) {
        close(m_fd);
    }
}

std::optional<std::string_view> LineReader::next() {
    if (!complete_line(m_limit)) {
        throw cannot_read(m_name, "no input within --timeout");
    }
    std::string_view line = m_unread.substr(0, m_unread.find('\n'));
    m_has_end = line.size() < m_unread.size();
    if (line.empty() && !m_has_end) {
        return std::nullopt;
    }
    m_unread.remove_prefix(line.size() + (m_has_end ? 1 : 0));
    if (++m_number == 1 && line.starts_with(k_byte_order_mark)) {
        line.remove_prefix(k_byte_order_mark.size());
    }
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    if (const char* const fault = fault_of(line)) {
        throw usage_error(complaint(fault));
    }
    return line;
}

bool LineReader::is_terminal() const {
    return isatty(m_fd) != 0;
}

bool LineReader::is_ready() {
    return complete_line(TimeLimit::each_wait(std::chrono::milliseconds(0)));
}

std::optional<double> LineReader::part_read() const {
    struct stat status = {};
    if (fstat(m_fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        return std::nullopt;
    }
    const off_t position = lseek(m_fd, 0, SEEK_CUR) - static_cast<off_t>(m_unread.size());
    return std::min(static_cast<double>(position) / static_cast<double>(status.st_size), 1.0);
}

std::string LineReader::complaint(std::string_view what) const {
    return fmt::format("{}, line {}: {}", m_name, std::max<std::size_t>(m_number, 1), what);
}

/// Reads until the next line is whole or the file has ended. Returns false if the limit came first.
bool LineReader::complete_line(TimeLimit limit) {
    while (m_unread.find('\n') == std::string_view::npos && !m_at_end) {
        throw_if_signalled(); // a regular file is always ready: a wait for it notices no signal
        if (!wait_for(m_fd, POLLIN, limit.deadline())) {
            return false;
        }
        read_more();
    }
    return true;
}

/// Moves the unfinished line to the front of the buffer, and reads on after it.
void LineReader::read_more() {
    std::memmove(m_buffer.data(), m_unread.data(), m_unread.size());
    const std::span<char> room = std::span(m_buffer).subspan(m_unread.size());
    m_unread = {m_buffer.data(), m_unread.size()};
    if (room.empty()) {
        const char* const fault = fault_of(m_unread);
        ++m_number; // of the unfinished line
        throw usage_error(complaint(fault != nullptr ? fault : "the line is too long"));
    }
    const ssize_t got = read(m_fd, room.data(), room.size());
    if (got < 0 && errno != EAGAIN) {
        throw cannot_read(m_name, std::strerror(errno));
    }
    m_unread = {m_buffer.data(),
                m_unread.size() + static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    m_at_end = got == 0;
}

} // namespace ordercache
