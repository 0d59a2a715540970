#pragma once

#include "base/order.hpp"
#include "io/line_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// Few enough to hold in memory, and to have answers soon; enough to make round trips cheap.
inline constexpr std::size_t k_customers_at_once = 5000;

/// A file of customers, a number a line; empty lines are skipped. What is wrong with the file, and
/// the end of the limit, throw Error (usage); a signal during a wait, Interrupted.
class CustomerList {
public:
    /// Opens the file, `-` for stdin.
    explicit CustomerList(const std::string& path, TimeLimit limit = TimeLimit::none())
        : m_lines(path, limit) {}

    /// The next customers, in their order, as many as can be had without waiting for more than
    /// one; empty: there are no more. Those before a bad line are given; the call after that
    /// throws.
    std::vector<CustomerId> next();

    /// Whether next() need not wait for the input.
    bool is_ready() { return !m_complaint.empty() || m_lines.is_ready(); }

    /// How far it has been read, in bytes, and of how many, where that is known.
    std::uint64_t bytes() const { return m_lines.bytes(); }
    std::optional<std::uint64_t> size() const { return m_lines.size(); }

private:
    bool may_read_on(std::size_t customers);
    CustomerId customer(std::string_view line) const;

    LineReader m_lines;
    std::string m_complaint; ///< What is wrong with the line after those that were given.
};

} // namespace ordercache
