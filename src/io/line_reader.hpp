#pragma once

#include "base/error.hpp"
#include "base/waiting.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// The lines of a file, or of stdin for `-`, in constant memory. Waits for a FIFO, a pipe or a
/// terminal up to the limit; a signal ends the wait with Interrupted. What cannot be read, a line
/// longer than 64 KiB and the end of the limit throw Error (usage).
class LineReader {
public:
    /// Opens the file. Of a FIFO, next() waits for the writer.
    explicit LineReader(const std::string& path, TimeLimit limit = TimeLimit::none());
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;
    ~LineReader();

    /// The next line without its end (LF or CRLF), and the first without a byte-order mark. Valid
    /// until the next call; absent: there is none.
    std::optional<std::string_view> next();

    /// Whether next() gives a line, or tells the end, without waiting for more of the input.
    bool is_ready();

    /// The number of the line that was given last, from 1.
    std::size_t number() const { return m_number; }

    /// How many bytes the lines had that were given.
    std::uint64_t bytes() const { return m_bytes; }

    /// Of the whole file; absent where nobody knows, as for a pipe.
    std::optional<std::uint64_t> size() const;

    /// What is wrong with a line, for the user.
    std::string complaint(std::size_t line, std::string_view what) const;

private:
    bool find_line_end();
    bool wait_for_input(Deadline deadline) const;
    void read_more();

    std::string m_name;
    int m_fd;
    TimeLimit m_limit;
    bool m_at_end = false;
    std::vector<char> m_buffer;
    std::size_t m_begin = 0;    ///< Where the next line begins in the buffer.
    std::size_t m_searched = 0; ///< Up to where, from m_begin, there is no line end.
    std::size_t m_end = 0;      ///< Where what was read ends.
    std::size_t m_number = 0;
    std::uint64_t m_bytes = 0;
};

} // namespace ordercache
