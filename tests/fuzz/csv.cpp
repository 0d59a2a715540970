// Any line of CSV: its fields, each written in quotes, are read again as they were.

#include "io/order_file.hpp"

#include "fuzzing.hpp"

#include <optional>
#include <stdexcept>

namespace {

using namespace ordercache;
using Fields = std::vector<std::string>;

/// Returns nullopt for a malformed line.
std::optional<Fields> read_line(std::string_view line) {
    Fields fields;
    try {
        split_csv_line(line, fields);
    } catch (const std::invalid_argument&) {
        return std::nullopt;
    }
    return fields;
}

std::string in_quotes(std::string_view field) {
    std::string text = "\"";
    for (const char c : field) {
        text += c == '"' ? "\"\"" : std::string(1, c);
    }
    return text + '"';
}

std::string to_csv(const Fields& fields) {
    std::string line;
    for (const std::string& field : fields) {
        line += (line.empty() ? "" : ",") + in_quotes(field);
    }
    return line;
}

} // namespace

FUZZER(csv, input) {
    if (const auto fields = read_line(input)) {
        require(!fields->empty(), "a line has a field");
        require(read_line(to_csv(*fields)) == fields, "fields are read again as they were");
    }
}
