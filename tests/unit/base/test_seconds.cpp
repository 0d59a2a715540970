#include "base/seconds.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <string_view>

using namespace ordercache;
using namespace std::chrono_literals;

TEST_CASE("seconds are digits, and after a point up to three more") {
    CHECK(parse_seconds("30") == 30s);
    CHECK(parse_seconds("0.5") == 500ms);
    CHECK(parse_seconds("1.025") == 1025ms);
    CHECK(parse_seconds("010") == 10s);
    CHECK(parse_seconds("2147483") == k_longest_wait);
    for (const std::string_view bad :
         {"", ".5", "5.", "1.0001", "-1", "+1", "1e3", " 1", "1s", "2147483.001",
          "99999999999999999999", "abc", "0x10", "nan", "inf", "1 "}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_seconds(bad));
    }
}

TEST_CASE("a whole number is decimal digits within its bounds") {
    CHECK(parse_whole_number("010", 1, 10) == 10);
    CHECK(parse_whole_number("9223372036854775807", 0, std::numeric_limits<std::int64_t>::max()) ==
          std::numeric_limits<std::int64_t>::max());
    for (const std::string_view bad :
         {"", "0", "11", "-0", "-5", "+5", "5 ", "0x5", "5.0", "9223372036854775808"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_whole_number(bad, 1, 10));
    }
}
