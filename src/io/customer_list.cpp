#include "io/customer_list.hpp"

#include "base/error.hpp"

#include <stdexcept>

namespace ordercache {

std::vector<CustomerId> CustomerList::next() {
    if (!m_complaint.empty()) {
        throw usage_error(m_complaint);
    }
    std::vector<CustomerId> customers;
    try {
        while (customers.size() < k_customers_at_once && read_customer(customers)) {
        }
    } catch (const Error& error) {
        if (customers.empty()) {
            throw;
        }
        m_complaint = error.what();
    }
    return customers;
}

/// False at the end.
bool CustomerList::read_customer(std::vector<CustomerId>& customers) {
    auto line = m_lines.next();
    while (line && line->empty()) {
        line = m_lines.next();
    }
    if (!line) {
        return false;
    }
    try {
        customers.push_back(parse_customer(*line));
    } catch (const std::invalid_argument& error) {
        throw usage_error(m_lines.complaint(m_lines.number(), error.what()));
    }
    return true;
}

} // namespace ordercache
