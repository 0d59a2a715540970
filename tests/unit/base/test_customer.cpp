#include "base/customer.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using namespace ordercache;

namespace {

using enum CustomerType;

const std::string k_uuid = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";

std::string customer(std::string_view text, CustomerType type) {
    return parse_customer(text, type).text;
}

} // namespace

TEST_CASE("an integer customer is a decimal number of 64 bits, without leading zeros") {
    CHECK(customer("1", integer) == "1");
    CHECK(customer("010", integer) == "10");
    CHECK(customer("00000000000000000000000000010", integer) == "10");
    CHECK(customer("2147483648", integer) == "2147483648");
    CHECK(customer("9223372036854775807", integer) == "9223372036854775807");
}

TEST_CASE("what is not a customer's number is refused") {
    for (const char* text : {"",
                             "0",
                             "000",
                             "-1",
                             "-0",
                             "+5",
                             "5 ",
                             " 5",
                             "0x10",
                             "1e3",
                             "1.0",
                             "5x",
                             "9223372036854775808",
                             "99999999999999999999",
                             "1,000",
                             "five",
                             "5.0",
                             "١",
                             "all",
                             "3f2504e0-4f89-11d3-9a0c-0305e82c3301"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_customer(text, integer), std::invalid_argument);
    }
}

TEST_CASE("a UUID is taken in either case, and is shown in lower case") {
    CHECK(customer(k_uuid, uuid) == k_uuid);
    CHECK(customer("3F2504E0-4f89-11D3-9A0C-0305E82C3301", uuid) == k_uuid);
    CHECK(customer("00000000-0000-0000-0000-000000000000", uuid).size() == 36);
}

TEST_CASE("what is not a UUID in its usual form is refused") {
    for (const std::string& text :
         {std::string(), std::string("7"), std::string("all"), k_uuid + "0", k_uuid + " ",
          " " + k_uuid, "{" + k_uuid + "}", k_uuid.substr(1), "g" + k_uuid.substr(1),
          std::string("3f2504e04f8911d39a0c0305e82c3301"),
          std::string("3f2504e0a4f89-11d3-9a0c-0305e82c3301"),
          std::string("3f2504e-04f89-11d3-9a0c-0305e82c3301"),
          std::string("3f2504e0-4f89-11d3-9a0c-0305e82c33@1"),
          std::string("3f2504e0-4f89-11d3-9a0c-0305e82c33\0001", 36)}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_customer(text, uuid), std::invalid_argument);
    }
}

TEST_CASE("a text customer is taken as it is") {
    const std::string longest(200, 'x');
    for (const std::string& id :
         {std::string("ALFKI"), std::string("alfki"), std::string("010"), std::string(" a "),
          std::string("a,b"), std::string(R"("a" 'b' \)"), std::string("-x"), std::string("All"),
          std::string("ünïcode €"), std::string("a:b"), std::string("\U0001F600"), std::string("?"),
          longest}) {
        CAPTURE(id);
        CHECK(customer(id, text) == id);
    }
}

TEST_CASE("a text customer that a key or a terminal would not bear is refused") {
    for (const std::string& id :
         {std::string(), std::string("all"), std::string("{"), std::string("a}b"),
          std::string("a\tb"), std::string("a\n"), std::string("\x7F"), std::string("\xC2\x85"),
          std::string("a\0b", 3), std::string("\xFF"), std::string("\xC3"),
          std::string("\xED\xA0\x80"), std::string("\xC0\x80"), std::string(201, 'x')}) {
        CAPTURE(id);
        CHECK_THROWS_AS(parse_customer(id, text), std::invalid_argument);
    }
}

TEST_CASE("a refusal says what a customer is") {
    CHECK_THROWS_WITH(parse_customer("x", integer),
                      "a customer is a whole number from 1 to 9223372036854775807");
    CHECK_THROWS_WITH(parse_customer("x", uuid),
                      "a customer is a UUID, such as 3f2504e0-4f89-11d3-9a0c-0305e82c3301");
    CHECK_THROWS_WITH(parse_customer("", text),
                      "a customer is 1 to 200 bytes of UTF-8 without control characters and "
                      "braces, and not `all`");
}

TEST_CASE("integers are ordered as numbers") {
    CHECK(CustomerId{"9"} < CustomerId{"10"});
    CHECK(CustomerId{"10"} < CustomerId{"11"});
    CHECK(CustomerId{"11"} == CustomerId{"11"});
}
