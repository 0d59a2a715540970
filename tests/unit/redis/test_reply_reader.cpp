#include "redis/reply_reader.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

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
    return fmt::format("${}\r\n{}\r\n", length, std::string(length, 'x'));
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

TEST_CASE("a reply of over a mebibyte is refused, whatever it is made of") {
    CHECK(failure(text_of_length((1 << 20) - 20)).empty());
    CHECK(failure(text_of_length(1 << 20)) == k_too_large);
    CHECK(failure('+' + std::string(1 << 20, 'x')) == k_too_large);
    std::string numbers = "*1000000\r\n";
    while (numbers.size() <= 1 << 20) {
        numbers += ":1\r\n";
    }
    CHECK(failure(numbers) == k_too_large);
}

TEST_CASE("a list costs what has come of it, not what it claims to hold") {
    for (const std::string type : {"*", "%", "~", ">"}) {
        CHECK_NOTHROW(static_cast<void>(failure(type + "2147483647\r\n:1\r\n")));
    }
    ReplyReader reader;
    reader.feed("*2\r\n*2\r\n:1\r\n$-1\r\n*-1\r\n");
    const auto reply = reader.next();
    REQUIRE(reply);
    REQUIRE(reply->list.size() == 2);
    CHECK(reply->list[0].list.at(0).integer == 1);
    CHECK(reply->list[0].list.at(1).kind == RedisReply::Kind::nil);
    CHECK(reply->list[1].kind == RedisReply::Kind::nil);
}

TEST_CASE("what only the protocol's third version has is no reply") {
    for (const auto* const bytes : {",1.5\r\n", "#t\r\n", "*1\r\n,1.5\r\n"}) {
        CHECK_FALSE(failure(bytes).empty());
    }
}

TEST_CASE("each reply has a mebibyte of its own") {
    ReplyReader reader;
    for (int i = 0; i < 20; ++i) {
        reader.feed(text_of_length(1 << 19));
        CHECK(reader.next());
    }
}

TEST_CASE("what has come beyond a reply is told, and the reply itself is not") {
    ReplyReader reader;
    CHECK_FALSE(reader.has_more());
    reader.feed("+OK\r\n");
    CHECK(reader.next());
    CHECK_FALSE(reader.has_more());
    reader.feed("+OK\r\n*2\r\n");
    CHECK(reader.next());
    CHECK(reader.has_more());
    CHECK_FALSE(reader.next());
    CHECK(reader.has_more());
}

TEST_CASE("a command's arguments may hold any bytes") {
    CHECK(format_command({"SET", std::string("a\0b", 3), "\r\n", ""}) ==
          std::string("*4\r\n$3\r\nSET\r\n$3\r\na\0b\r\n$2\r\n\r\n\r\n$0\r\n\r\n", 36));
}

TEST_CASE("a header with a sign cannot claim more than one without") {
    CHECK_FALSE(failure("*+2147483647\r\n").empty());
    CHECK_FALSE(failure("$+2147483647\r\n").empty());
}
