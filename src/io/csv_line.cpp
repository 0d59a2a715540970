#include "io/csv_line.hpp"

#include <stdexcept>

namespace ordercache {

namespace {

/// Returns the rest of the line, from the comma on.
std::string_view read_plain(std::string_view line, std::string& field) {
    field = line.substr(0, line.find(','));
    if (field.find('"') != std::string::npos) {
        throw std::invalid_argument("a quote stands in a field that does not begin with one");
    }
    return line.substr(field.size());
}

/// The same, behind the opening quote.
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

} // namespace ordercache
