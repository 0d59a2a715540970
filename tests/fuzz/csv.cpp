// Any CSV file: its records, written with every field in quotes, are read again as they were.

#include "io/csv_reader.hpp"

#include "base/error.hpp"
#include "fuzzing.hpp"

#include <optional>
#include <stdexcept>

namespace {

using namespace ordercache;
using Records = std::vector<std::vector<std::string>>;

/// Absent: malformed.
std::optional<Records> read(std::string_view csv) {
    const MemoryFile file(csv);
    LineReader lines(file.path());
    CsvReader reader(lines);
    Records records;
    try {
        while (reader.next()) {
            require(reader.line() <= lines.number(), "a record begins in a line that was read");
            records.emplace_back(reader.fields().begin(), reader.fields().end());
        }
    } catch (const std::invalid_argument&) {
        return std::nullopt;
    }
    require(lines.bytes() == csv.size(), "every byte was read");
    return records;
}

std::string in_quotes(std::string_view field) {
    std::string text = "\"";
    for (const char c : field) {
        text += c == '"' ? "\"\"" : c == '\n' ? "\r\n" : std::string(1, c);
    }
    return text + '"';
}

std::string to_csv(const Records& records) {
    std::string csv;
    for (const auto& record : records) {
        std::string line;
        for (const std::string& field : record) {
            line += (line.empty() ? "" : ",") + in_quotes(field);
        }
        csv += line + "\r\n";
    }
    return csv;
}

} // namespace

FUZZER(input) {
    if (const auto records = read(input)) {
        require(read(to_csv(*records)) == records, "records are read again as they were");
    }
}
