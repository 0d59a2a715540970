#pragma once

#include "base/error.hpp"
#include "base/waiting.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// The lines of a file, or of stdin for `-`, in constant memory. Waits for a FIFO, a pipe or a
/// terminal until the limit has passed; Interrupted ends the wait when a signal arrives. Throws
/// Error (usage) for a file that cannot be read, or that is not text in lines: one with a line
/// longer than 64 KiB, in UTF-16, or with carriage returns or byte-order marks within it.
class LineReader {
public:
    /// Opens the file. If it is a FIFO, next() waits for the writer.
    explicit LineReader(const std::string& path, TimeLimit limit = TimeLimit::none());
    LineReader(const LineReader&) = delete;
    LineReader& operator=(const LineReader&) = delete;
    ~LineReader();

    /// Returns the next line without its end (LF or CRLF), and the first without its byte-order
    /// mark; nullopt at the end of the file. Valid until the next call.
    std::optional<std::string_view> next();

    /// Whether next() returns without waiting for input.
    bool is_ready();

    /// Whether a person types the lines.
    bool is_terminal() const;

    /// The number of the line that was read last, from 1.
    std::size_t number() const { return m_number; }

    /// Whether that line had an end. Only the last one of a file may have none.
    bool has_end() const { return m_has_end; }

    /// How much of the file was read, from 0 to 1; nullopt if its size is unknown, as for a pipe.
    std::optional<double> part_read() const;

    /// `FILE, line N: what`, about the line that was read last, or line 1 if none was.
    std::string complaint(std::string_view what) const;

private:
    bool complete_line(TimeLimit limit);
    void read_more();

    std::string m_name;
    int m_fd;
    TimeLimit m_limit;
    bool m_at_end = false;
    std::vector<char> m_buffer;
    std::string_view m_unread; ///< The part of the buffer after the last line.
    std::size_t m_number = 0;
    bool m_has_end = false;
};

} // namespace ordercache
