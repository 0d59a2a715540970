#pragma once

#include "base/order.hpp"
#include "io/csv_reader.hpp"
#include "io/line_reader.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// A CSV file of orders, with a header that names `date`, `customer`, `net` and `tax` in any
/// order. Every line is checked. What is wrong with the file, and the end of the limit, throw Error
/// (usage); a signal during a wait, Interrupted.
class OrderFile {
public:
    /// Opens the file, `-` for stdin, and reads its header.
    explicit OrderFile(const std::string& path, TimeLimit limit = TimeLimit::none());

    /// The next orders, in their order; empty: there are no more. Once a line is bad, all that
    /// follow are checked as well, and the first ten that are bad are told as BadLines.
    std::vector<Order> next();

    /// How far it has been read, in bytes, and of how many, where that is known.
    std::uint64_t bytes() const { return m_lines.bytes(); }
    std::optional<std::uint64_t> size() const { return m_lines.size(); }

private:
    void read_header();
    bool read_order(std::vector<Order>& orders);
    Order order() const;
    [[noreturn]] void complain(std::vector<std::string> complaints);

    LineReader m_lines;
    CsvReader m_records;
    std::array<std::size_t, 4> m_columns{}; ///< Where date, customer, net and tax stand.
};

} // namespace ordercache
