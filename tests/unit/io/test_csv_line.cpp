#include "io/csv_line.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace ordercache;

namespace {

using Fields = std::vector<std::string>;

Fields fields_of(std::string_view line) {
    Fields fields{"left over"};
    split_csv_line(line, fields);
    return fields;
}

} // namespace

TEST_CASE("a line is split at its commas") {
    CHECK(fields_of("a,b") == Fields{"a", "b"});
    CHECK(fields_of(",a,") == Fields{"", "a", ""});
    CHECK(fields_of("") == Fields{""});
}

TEST_CASE("quotes hold commas and doubled quotes together") {
    CHECK(fields_of(R"("a,b","","e""f","""")") == Fields{"a,b", "", "e\"f", "\""});
}

TEST_CASE("a malformed line says what is wrong") {
    for (const char* line : {R"(a"b)", R"(1""2)", R"(a,b")", R"( "a")"}) {
        CAPTURE(line);
        CHECK_THROWS_WITH_AS(fields_of(line),
                             "a quote stands in a field that does not begin with one",
                             std::invalid_argument);
    }
    for (const char* line : {R"("d"e)", R"("d" ,e)"}) {
        CHECK_THROWS_WITH_AS(fields_of(line), "a closing quote is not followed by a comma",
                             std::invalid_argument);
    }
    for (const char* line : {R"(")", R"(a,"f)", R"("f"")", R"("a,b)"}) {
        CHECK_THROWS_WITH_AS(fields_of(line), "a quote is not closed", std::invalid_argument);
    }
}
