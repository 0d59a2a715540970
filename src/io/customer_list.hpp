#pragma once

#include "base/order.hpp"
#include "io/line_reader.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// Enough to make round trips cheap; few enough to answer soon, and that malloc keeps the memory of
/// a piece for the next one: with 5,000, page faults took a third of the processor time.
inline constexpr std::size_t k_customers_at_once = 2000;

/// A file of customers, one id per line; empty lines are skipped. Throws Error (usage) for a
/// bad file and when the limit has passed, and Interrupted when a signal ends a wait.
class CustomerList {
public:
    /// Opens the file, `-` for stdin.
    CustomerList(const std::string& path, CustomerType type, TimeLimit limit = TimeLimit::none())
        : m_type(type), m_lines(path, limit) {}

    /// Returns the next customers, as many as there are without a second wait; empty at the end.
    /// Those before a bad line are returned first; the call after that throws.
    std::vector<CustomerId> next();

    /// Whether next() returns without waiting for input.
    bool is_ready() { return !m_complaint.empty() || m_lines.is_ready(); }

    /// As LineReader's.
    std::optional<double> part_read() const { return m_lines.part_read(); }
    bool is_terminal() const { return m_lines.is_terminal(); }

private:
    bool may_read_on(std::size_t customers);
    CustomerId customer(std::string_view line) const;

    CustomerType m_type;
    LineReader m_lines;
    std::string m_complaint; ///< About the line after those that were returned.
};

} // namespace ordercache
