#include "redis/reply_reader.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <string_view>

using namespace ordercache;

namespace {

/// What is wrong with the bytes; empty: nothing.
std::string failure(std::string_view bytes) {
    ReplyReader reader;
    try {
        reader.feed(bytes);
        while (reader.next()) {
        }
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

std::string text_of_length(std::size_t length) {
    return "$" + std::to_string(length) + "\r\n" + std::string(length, 'x') + "\r\n";
}

constexpr auto k_too_large = "the reply is too large";

} // namespace

TEST_CASE("a reply that comes in pieces is complete with its last byte") {
    ReplyReader reader;
    for (const char byte : std::string_view("*2\r\n$1\r\n0\r\n:87\r")) {
        reader.feed({&byte, 1});
        CHECK_FALSE(reader.next());
    }
    reader.feed("\n");
    const auto reply = reader.next();
    REQUIRE(reply);
    CHECK(reply->list.at(0).text == "0");
    CHECK(reply->list.at(1).integer == 87);
}

TEST_CASE("a text of a mebibyte is taken and a longer one refused by its header") {
    CHECK(failure(text_of_length(1 << 20)).empty());
    CHECK(failure("$1048577\r\n") == k_too_large);
}

TEST_CASE("a list that claims too many elements is refused by its header") {
    CHECK(failure("*65536\r\n").empty());
    CHECK(failure("*65537\r\n") == k_too_large);
    CHECK(failure("*2147483647\r\n") == k_too_large);
}

TEST_CASE("lists within a list count together") {
    CHECK(failure("*2\r\n*40000\r\n").empty());
    CHECK(failure("*2\r\n*40000\r\n*40000\r\n") == k_too_large);
}

TEST_CASE("each reply has bounds of its own") {
    ReplyReader reader;
    for (int i = 0; i < 20; ++i) {
        reader.feed(text_of_length(1 << 20));
        CHECK(reader.next());
    }
}

TEST_CASE("what follows a bare line feed is no header that could hide another") {
    CHECK(failure("+a\n$99\n\r\n*2147483647\r\n") == k_too_large);
}

TEST_CASE("every aggregate is bounded, known to the installed hiredis or not") {
    for (const std::string type : {"*", "%", "~", ">"}) {
        CHECK(failure(type + "1073741824\r\n") == k_too_large);
    }
}

TEST_CASE("a header with a sign cannot claim more than one without") {
    CHECK_FALSE(failure("*+2147483647\r\n").empty());
    CHECK_FALSE(failure("$+2147483647\r\n").empty());
}
