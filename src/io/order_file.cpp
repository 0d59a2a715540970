#include "io/order_file.hpp"

#include "base/error.hpp"
#include "base/quoted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace ordercache {

namespace {

constexpr std::array<std::string_view, 4> k_columns = {"date", "customer", "net", "tax"};
enum Column { date, customer, net, tax };

constexpr std::size_t k_orders_at_once = 5000;
constexpr std::size_t k_most_complaints = 10;

constexpr auto k_header_form =
    "the first line must name the columns date, customer, net and tax, separated by commas";

/// Says of which column a value is bad, and shows it.
template <typename Parse>
auto parsed(std::string_view column, std::string_view value, const Parse& parse) {
    try {
        return parse(value);
    } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(
            fmt::format("{}: {}: {}", column, in_quotes(value), error.what()));
    }
}

void require_total(const Order& order) {
    try {
        order.total();
    } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(fmt::format("net and tax: {}", error.what()));
    }
}

void require_known_columns(const CsvReader::Fields& header) {
    for (const std::string_view name : header) {
        if (std::ranges::find(k_columns, name) == k_columns.end()) {
            throw std::invalid_argument(
                fmt::format("there is no column {}: {}", in_quotes(name), k_header_form));
        }
    }
}

std::size_t position(const CsvReader::Fields& header, std::string_view column) {
    const auto found = std::ranges::find(header, column);
    if (found == header.end()) {
        throw std::invalid_argument(fmt::format("column {} is missing: {}", column, k_header_form));
    }
    if (std::find(found + 1, header.end(), column) != header.end()) {
        throw std::invalid_argument(fmt::format("column {} is named twice", column));
    }
    return static_cast<std::size_t>(found - header.begin());
}

} // namespace

OrderFile::OrderFile(const std::string& path, TimeLimit limit)
    : m_lines(path, limit), m_records(m_lines) {
    try {
        read_header();
    } catch (const std::invalid_argument& error) {
        throw usage_error(
            m_lines.complaint(std::max<std::size_t>(m_records.line(), 1), error.what()));
    }
}

std::vector<Order> OrderFile::next() {
    std::vector<Order> orders;
    orders.reserve(k_orders_at_once);
    try {
        while (orders.size() < k_orders_at_once && read_order(orders)) {
        }
    } catch (const std::invalid_argument& error) {
        complain({m_lines.complaint(m_records.line(), error.what())});
    }
    return orders;
}

void OrderFile::read_header() {
    if (!m_records.next()) {
        throw std::invalid_argument(k_header_form);
    }
    require_known_columns(m_records.fields());
    std::ranges::transform(k_columns, m_columns.begin(), [&](std::string_view column) {
        return position(m_records.fields(), column);
    });
}

/// False at the end. Throws std::invalid_argument where the record is bad.
bool OrderFile::read_order(std::vector<Order>& orders) {
    if (!m_records.next()) {
        return false;
    }
    orders.push_back(order());
    return true;
}

Order OrderFile::order() const {
    const auto& fields = m_records.fields();
    if (fields.size() != k_columns.size()) {
        throw std::invalid_argument(fmt::format("{} {} where the header names {}", fields.size(),
                                                fields.size() == 1 ? "field" : "fields",
                                                k_columns.size()));
    }
    const auto value = [&](Column column, auto parse) {
        return parsed(k_columns[column], fields[m_columns[column]], parse);
    };
    const Order order{.date = value(date, parse_date),
                      .customer = value(customer, parse_customer),
                      .net = value(net, Amount::parse),
                      .tax = value(tax, Amount::parse)};
    require_total(order);
    return order;
}

/// Adds what is wrong with the lines that follow, and throws.
void OrderFile::complain(std::vector<std::string> complaints) {
    std::vector<Order> ignored;
    while (complaints.size() < k_most_complaints) {
        try {
            ignored.clear();
            if (!read_order(ignored)) {
                break;
            }
        } catch (const std::invalid_argument& error) {
            complaints.push_back(m_lines.complaint(m_records.line(), error.what()));
        }
    }
    throw BadLines(std::move(complaints));
}

} // namespace ordercache
