#pragma once

#include "base/order.hpp"
#include "io/line_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// Few enough to hold in memory, and to have answers soon; enough to make round trips cheap.
inline constexpr std::size_t k_customers_at_once = 5000;

/// A file of customers, a number a line; empty lines are skipped. What is wrong with the file
/// throws Error (usage).
class CustomerList {
public:
    /// Opens the file, `-` for stdin.
    explicit CustomerList(const std::string& path) : m_lines(path) {}

    /// The next customers, in their order; empty: there are no more. Those before a bad line are
    /// given; the call after that throws.
    std::vector<CustomerId> next();

    /// How far it has been read, in bytes, and of how many, where that is known.
    std::uint64_t bytes() const { return m_lines.bytes(); }
    std::optional<std::uint64_t> size() const { return m_lines.size(); }

private:
    bool read_customer(std::vector<CustomerId>& customers);

    LineReader m_lines;
    std::string m_complaint; ///< What is wrong with the line after those that were given.
};

} // namespace ordercache
