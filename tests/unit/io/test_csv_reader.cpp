#include "io/csv_reader.hpp"

#include "io/files.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace ordercache;

namespace {

using Record = std::vector<std::string>;

std::vector<Record> records_of(const std::string& text) {
    const TemporaryFile file(text);
    LineReader lines(file.path());
    CsvReader reader(lines);
    std::vector<Record> records;
    while (reader.next()) {
        records.emplace_back(reader.fields().begin(), reader.fields().end());
    }
    return records;
}

} // namespace

TEST_CASE("a record is cut at its commas, and empty lines are skipped") {
    CHECK(records_of("a,b\n\n,\r\nc\n") == std::vector<Record>{{"a", "b"}, {"", ""}, {"c"}});
}

TEST_CASE("quotes hold commas, line ends and quotes together") {
    CHECK(records_of("\"a,b\",\"c\nd\",\"e\"\"f\"\n") ==
          std::vector<Record>{{"a,b", "c\nd", "e\"f"}});
}

TEST_CASE("a malformed record says what is wrong, and the one after it is read") {
    const TemporaryFile file("a\"b\nc\n\"d\"e\n\"f");
    LineReader lines(file.path());
    CsvReader reader(lines);
    CHECK_THROWS_WITH_AS(reader.next(), "a quote stands in a field that does not begin with one",
                         std::invalid_argument);
    CHECK(reader.next());
    CHECK(reader.line() == 2);
    CHECK(reader.fields().front() == "c");
    CHECK_THROWS_WITH_AS(reader.next(), "a closing quote is not followed by a comma",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(reader.next(), "a quote is not closed", std::invalid_argument);
    CHECK_FALSE(reader.next());
}
