#pragma once

#include "io/line_reader.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// The records of a CSV file, as RFC 4180 has them: commas, double quotes, line ends within
/// quotes. Empty lines are skipped.
class CsvReader {
public:
    using Fields = std::vector<std::string_view>;

    explicit CsvReader(LineReader& lines) : m_lines(lines) {}

    /// Goes to the next record; false: there is none. Throws std::invalid_argument, whose message
    /// says what is wrong, where this one is malformed; the one after it may still be good.
    bool next();

    /// The record's fields, valid until the next call of next().
    const Fields& fields() const { return m_fields; }

    /// The number of the record's first line.
    std::size_t line() const { return m_line; }

private:
    void read_quoted_record(std::string_view first_line);

    LineReader& m_lines;
    std::size_t m_line = 0;
    std::string m_record;
    Fields m_fields;
};

} // namespace ordercache
