#include "redis/token.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace ordercache;

TEST_CASE("a token is 128 bits in hexadecimal digits, and never the same") {
    std::set<std::string> tokens;
    for (int i = 0; i < 1000; ++i) {
        const std::string token = random_token();
        CHECK(token.size() == 32);
        CHECK(token.find_first_not_of("0123456789abcdef") == std::string::npos);
        tokens.insert(token);
    }
    CHECK(tokens.size() == 1000);
}
