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

namespace ordercache {

namespace {

constexpr std::size_t k_longest_line = 64 << 10;

constexpr std::string_view k_byte_order_mark = "\xEF\xBB\xBF";

Error cannot_read(const std::string& name, const char* reason) {
    return usage_error(fmt::format("cannot read {}: {}", name, reason));
}

/// A regular file is always ready, so waiting for it never notices a signal.
void let_signals_through() {
    if (const auto signal = take_held_signal()) {
        throw Interrupted{*signal};
    }
}

/// Returns what is wrong with a line's bytes, whatever they should say; nullptr if nothing is.
const char* fault_of(std::string_view line) {
    const auto has = [line](auto bytes) { return line.find(bytes) != std::string_view::npos; };
    if (has('\0') || has('\xFF')) {
        return "the file is not UTF-8, maybe UTF-16: save it as UTF-8";
    }
    if (has('\r')) {
        return "a carriage return stands within the line: end each line with LF or CRLF";
    }
    if (has(k_byte_order_mark)) {
        return "a byte-order mark stands within the file: were two files put together?";
    }
    return nullptr;
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

/// With O_NONBLOCK, since opening a FIFO would else wait where no signal and no limit can end it.
LineReader::LineReader(const std::string& path, TimeLimit limit)
    : m_name(path == "-" ? "stdin" : path),
      m_fd(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)),
      m_limit(limit), m_buffer(k_longest_line) {
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
    while (!find_line_end() && !m_at_end) {
        if (!wait_for_input(m_limit.deadline())) {
            throw cannot_read(m_name, "nothing came within --timeout");
        }
        read_more();
    }
    const std::size_t end = std::min(m_searched + 1, m_end);
    std::string_view line(m_buffer.data() + m_begin, end - m_begin);
    if (line.empty()) {
        return std::nullopt;
    }
    m_begin = m_searched = end;
    m_bytes += line.size();
    if (++m_number == 1 && line.starts_with(k_byte_order_mark)) {
        line.remove_prefix(k_byte_order_mark.size());
    }
    m_has_end = line.ends_with('\n');
    line = without_line_end(line);
    if (const char* const fault = fault_of(line)) {
        throw usage_error(complaint(m_number, fault));
    }
    return line;
}

bool LineReader::is_ready() {
    while (!find_line_end() && !m_at_end) {
        if (!wait_for_input(Deadline::in(std::chrono::milliseconds(0)))) {
            return false;
        }
        read_more();
    }
    return true;
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

/// Searches on for a line end. Returns false if there is none in what was read.
bool LineReader::find_line_end() {
    const void* const found = std::memchr(m_buffer.data() + m_searched, '\n', m_end - m_searched);
    m_searched = found == nullptr
                     ? m_end
                     : static_cast<std::size_t>(static_cast<const char*>(found) - m_buffer.data());
    return found != nullptr;
}

/// Returns false if the deadline came first.
bool LineReader::wait_for_input(Deadline deadline) const {
    let_signals_through();
    return wait_for(m_fd, POLLIN, deadline);
}

/// Moves the unfinished line to the front of the buffer, and reads on behind it.
void LineReader::read_more() {
    std::copy(m_buffer.begin() + static_cast<std::ptrdiff_t>(m_begin),
              m_buffer.begin() + static_cast<std::ptrdiff_t>(m_end), m_buffer.begin());
    m_end -= m_begin;
    m_searched -= m_begin;
    m_begin = 0;
    if (m_end == m_buffer.size()) {
        const char* const fault = fault_of({m_buffer.data(), m_buffer.size()});
        throw usage_error(
            complaint(m_number + 1, fault != nullptr ? fault : "it is too long for a line"));
    }
    const ssize_t got = read(m_fd, m_buffer.data() + m_end, m_buffer.size() - m_end);
    if (got < 0 && errno != EAGAIN) {
        throw cannot_read(m_name, std::strerror(errno));
    }
    m_end += got > 0 ? static_cast<std::size_t>(got) : 0;
    m_at_end = got == 0;
}

} // namespace ordercache
