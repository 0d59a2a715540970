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

/// The last amount of the line may be cut off too: `1.8` of `1.80`.
constexpr auto k_cut_off =
    "the last line has no line end: was the file cut off? If it is complete, add "
    "a line break";

constexpr auto k_header_form =
    "the first line must name the columns date, customer, net and tax, separated by commas";

/// Names the column in the complaint about a value, and shows the value.
template <typename Parse>
auto parsed(std::string_view column, std::string_view value, const Parse& parse) {
    try {
        return parse(value);
    } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(
            fmt::format("{}: {}: {}", column, in_quotes(value), error.what()));
    }
}

void require_known_columns(const std::vector<std::string>& header) {
    for (const std::string& name : header) {
        if (std::ranges::find(k_columns, name) == k_columns.end()) {
            throw std::invalid_argument(
                fmt::format("there is no column {}: {}", in_quotes(name), k_header_form));
        }
    }
}

std::size_t position(const std::vector<std::string>& header, std::string_view column) {
    const auto found = std::ranges::find(header, column);
    if (found == header.end()) {
        throw std::invalid_argument(fmt::format("column {} is missing: {}", column, k_header_form));
    }
    if (std::find(found + 1, header.end(), column) != header.end()) {
        throw std::invalid_argument(fmt::format("column {} is named twice", column));
    }
    return static_cast<std::size_t>(found - header.begin());
}

/// Returns the rest of the line, from the comma on.
std::string_view read_plain(std::string_view line, std::string& field) {
    field = line.substr(0, line.find(','));
    if (field.find('"') != std::string::npos) {
        throw std::invalid_argument("there is a quote in a field that does not begin with one");
    }
    return line.substr(field.size());
}

/// The same for a field in quotes, after its opening quote.
std::string_view read_quoted(std::string_view line, std::string& field) {
    for (auto quote = line.find('"'); quote != std::string_view::npos; quote = line.find('"')) {
        field += line.substr(0, quote);
        line.remove_prefix(quote + 1);
        if (!line.starts_with('"')) {
            if (!line.empty() && line.front() != ',') {
                throw std::invalid_argument("a closing quote is not followed by a comma");
            }
            return line;
        }
        field += '"';
        line.remove_prefix(1);
    }
    throw std::invalid_argument("a quote is not closed");
}

} // namespace

void split_csv_line(std::string_view line, std::vector<std::string>& fields) {
    fields.clear();
    for (;;) {
        std::string& field = fields.emplace_back();
        line = line.starts_with('"') ? read_quoted(line.substr(1), field) : read_plain(line, field);
        if (line.empty()) {
            return;
        }
        line.remove_prefix(1); // the comma
    }
}

OrderFile::OrderFile(const std::string& path, CustomerType type, TimeLimit limit)
    : m_type(type), m_lines(path, limit) {
    try {
        read_header();
    } catch (const std::invalid_argument& error) {
        throw usage_error(m_lines.complaint(error.what()));
    }
}

std::vector<Order> OrderFile::next() {
    std::vector<Order> orders;
    orders.reserve(k_orders_at_once);
    try {
        while (orders.size() < k_orders_at_once && read_fields()) {
            orders.push_back(order());
        }
    } catch (const std::invalid_argument& error) {
        complain({m_lines.complaint(error.what())});
    }
    return orders;
}

/// Reads the next line that is not empty. Returns false at the end. Throws std::invalid_argument
/// for a bad line.
bool OrderFile::read_fields() {
    auto line = m_lines.next();
    while (line && line->empty()) {
        line = m_lines.next();
    }
    if (!line) {
        return false;
    }
    if (!m_lines.has_end() && m_lines.number() > 1) {
        throw std::invalid_argument(k_cut_off);
    }
    split_csv_line(*line, m_fields);
    return true;
}

void OrderFile::read_header() {
    if (!read_fields()) {
        throw std::invalid_argument(k_header_form);
    }
    require_known_columns(m_fields);
    std::ranges::transform(k_columns, m_columns.begin(),
                           [&](std::string_view column) { return position(m_fields, column); });
}

Order OrderFile::order() const {
    if (m_fields.size() != k_columns.size()) {
        throw std::invalid_argument(
            fmt::format("expected {} fields, found {}", k_columns.size(), m_fields.size()));
    }
    const auto value = [&](Column column, auto parse) {
        return parsed(k_columns[column], m_fields[m_columns[column]], parse);
    };
    const auto parse_id = [this](std::string_view text) { return parse_customer(text, m_type); };
    Order order{.date = value(date, parse_date),
                .customer = value(customer, parse_id),
                .net = value(net, Amount::parse),
                .tax = value(tax, Amount::parse)};
    order.total(); // must fit too
    return order;
}

/// Adds the complaints about the lines that follow, and throws.
void OrderFile::complain(std::vector<std::string> complaints) {
    while (complaints.size() < k_most_complaints) {
        try {
            if (!read_fields()) {
                break;
            }
            order();
        } catch (const std::invalid_argument& error) {
            complaints.push_back(m_lines.complaint(error.what()));
        } catch (const Error& error) {
            complaints.emplace_back(error.what());
            break;
        }
    }
    throw BadLines(std::move(complaints));
}

} // namespace ordercache
