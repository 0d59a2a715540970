#pragma once

#include "base/order.hpp"
#include "io/line_reader.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// Splits a line of CSV into its fields, as RFC 4180 has them. A field in quotes ends on its line:
/// no value of an order holds a line break. Throws std::invalid_argument, which says what is wrong
/// with the line.
void split_csv_line(std::string_view line, std::vector<std::string>& fields);

/// A CSV file of orders, with a header that names `date`, `customer`, `net` and `tax` in any order.
/// Empty lines are skipped. Throws Error (usage) for a bad file and when the limit has passed, and
/// Interrupted when a signal ends a wait.
class OrderFile {
public:
    /// Opens the file, `-` for stdin, and reads its header.
    OrderFile(const std::string& path, CustomerType type, TimeLimit limit = TimeLimit::none());

    /// Returns the next orders, and none at the end. If a line is bad, checks the lines that follow
    /// too and throws BadLines with the first ten complaints.
    std::vector<Order> next();

    /// As LineReader's.
    std::optional<double> part_read() const { return m_lines.part_read(); }

private:
    bool read_fields();
    void read_header();
    Order order() const;
    [[noreturn]] void complain(std::vector<std::string> complaints);

    CustomerType m_type;
    LineReader m_lines;
    std::vector<std::string> m_fields;      ///< Of the line that was read last.
    std::array<std::size_t, 4> m_columns{}; ///< Where date, customer, net and tax stand.
};

} // namespace ordercache
