#include "postgres/array_element.hpp"

#include <doctest/doctest.h>

using namespace ordercache;

TEST_CASE("an array's element is quoted unless it is a number or a date") {
    CHECK(array_element("-23.05") == "-23.05");
    CHECK(array_element("2004-01-31") == "2004-01-31");
    CHECK(array_element("null") == "\"null\"");
    CHECK(array_element("a,b {c}") == "\"a,b {c}\"");
    CHECK(array_element("\"\\") == "\"\\\"\\\\\"");
}
