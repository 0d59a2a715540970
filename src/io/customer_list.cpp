#include "io/customer_list.hpp"

#include "base/error.hpp"
#include "base/quoted.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace ordercache {

std::vector<CustomerId> CustomerList::next() {
    if (!m_complaint.empty()) {
        throw usage_error(m_complaint);
    }
    std::vector<CustomerId> customers;
    try {
        while (may_read_on(customers.size())) {
            const auto line = m_lines.next();
            if (!line) {
                break;
            }
            if (!line->empty()) {
                customers.push_back(customer(*line));
            }
        }
    } catch (const Error& error) {
        if (customers.empty()) {
            throw;
        }
        m_complaint = error.what();
    }
    return customers;
}

/// Customers are returned before a wait for more: the program that writes the list may want their
/// answers first.
bool CustomerList::may_read_on(std::size_t customers) {
    return customers == 0 || (customers < k_customers_at_once && m_lines.is_ready());
}

CustomerId CustomerList::customer(std::string_view line) const {
    try {
        return parse_customer(line, m_type);
    } catch (const std::invalid_argument& error) {
        throw usage_error(m_lines.complaint(fmt::format("{}: {}", in_quotes(line), error.what())));
    }
}

} // namespace ordercache
