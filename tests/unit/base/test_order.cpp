#include "base/order.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using namespace ordercache;

namespace {

std::string amount(const char* text) {
    return Amount::parse(text).to_string();
}

} // namespace

TEST_CASE("an amount keeps its two decimals exactly") {
    CHECK(amount("23") == "23.00");
    CHECK(amount("23.5") == "23.50");
    CHECK(amount("23.05") == "23.05");
    CHECK(amount("0.07") == "0.07");
    CHECK(Amount::parse("23.05").cents() == 2305);
}

TEST_CASE("an amount may be a refund") {
    CHECK(amount("-0.5") == "-0.50");
    CHECK(amount("-23.05") == "-23.05");
    CHECK(amount("-0") == "0.00");
}

TEST_CASE("an amount may begin with zeros") {
    CHECK(amount("010") == "10.00");
    CHECK(amount("000000000000000000000001.50") == "1.50");
}

TEST_CASE("an amount reaches as far as numeric(12,2)") {
    CHECK(amount("9999999999.99") == "9999999999.99");
    CHECK(amount("-9999999999.99") == "-9999999999.99");
    CHECK_THROWS_AS(Amount::parse("10000000000"), std::invalid_argument);
    CHECK_THROWS_AS(Amount::parse("12345678901.00"), std::invalid_argument);
    CHECK_THROWS_AS(Amount::parse("99999999999999999999999"), std::invalid_argument);
}

TEST_CASE("what is not an exact amount is refused") {
    for (const char* text : {"",      "-",     ".",    ".5",    "5.",          "+1",
                             "--1",   "1,50",  "1e3",  "nan",   "inf",         "0x1",
                             " 1",    "1 ",    "1.-5", "1.2.3", "1_0",         "23.005",
                             "1.+5",  "-.5",   "NaN",  "1.x",   "x",           "-inf",
                             "1'000", "1_000", "0x10", "٣",     "10000000000", "-10000000000.00"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(Amount::parse(text), std::invalid_argument);
    }
    CHECK_THROWS_AS(Amount::parse(std::string_view("1\0", 2)), std::invalid_argument);
}

TEST_CASE("an order's total is net and tax, and must fit the column too") {
    const auto day = parse_date("2004-01-31");
    const Order order{day, {"7"}, Amount::parse("0.10"), Amount::parse("0.20")};
    CHECK(order.total().to_string() == "0.30");

    const Order refund{day, {"7"}, Amount::parse("-10"), Amount::parse("2.50")};
    CHECK(refund.total().to_string() == "-7.50");

    const Order most{day, {"7"}, Amount::parse("9999999999.98"), Amount::parse("0.01")};
    CHECK(most.total().to_string() == "9999999999.99");

    const Order too_large{day, {"7"}, Amount::parse("9999999999.99"), Amount::parse("0.01")};
    CHECK_THROWS_AS(too_large.total(), std::invalid_argument);

    const Order too_small{day, {"7"}, Amount::parse("-9999999999.99"), Amount::parse("-0.01")};
    CHECK_THROWS_AS(too_small.total(), std::invalid_argument);
}

TEST_CASE("a date is a day of the calendar") {
    for (const char* text :
         {"2004-01-31", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"}) {
        CAPTURE(text);
        CHECK(to_string(parse_date(text)) == text);
    }
}

TEST_CASE("what is not a day of the calendar is refused") {
    for (const char* text : {"",
                             "2023-02-30",
                             "2023-02-29",
                             "1900-02-29",
                             "2023-2-3",
                             "10.3.2023",
                             "0000-01-01",
                             "2023-00-01",
                             "2023-13-01",
                             "2023-01-00",
                             "2023-01-32",
                             "20230101",
                             "2023-01-1x",
                             "2023/01/01",
                             "-023-01-01",
                             "2023-+1-01",
                             "2023-01- 1",
                             " 2023-01-01",
                             "2023-01-01 ",
                             "12023-01-01",
                             "2023-01-01T00:00",
                             "today",
                             "infinity",
                             "2023-00-10",
                             "10000-01-01"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_date(text), std::invalid_argument);
    }
}

TEST_CASE("a refusal says what to write") {
    CHECK_THROWS_WITH(parse_date("x"), "a date is written as YYYY-MM-DD, such as 2004-01-31");
    CHECK_THROWS_WITH(parse_date("2023-02-30"), "there is no such day");
    CHECK_THROWS_WITH(Amount::parse("10000000000"),
                      "an amount lies between -9999999999.99 and 9999999999.99");
}
