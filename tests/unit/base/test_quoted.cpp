#include "base/quoted.hpp"

#include <doctest/doctest.h>

#include <string>

using ordercache::in_quotes;

namespace {

std::string repeated(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

} // namespace

TEST_CASE("a value is shown between backquotes") {
    CHECK(in_quotes("abc") == "`abc`");
    CHECK(in_quotes("") == "``");
    CHECK(in_quotes("Zürich") == "`Zürich`");
}

TEST_CASE("a value is cut at 40 characters, not within one") {
    CHECK(in_quotes(repeated("x", 40)) == "`" + repeated("x", 40) + "`");
    CHECK(in_quotes(repeated("x", 41)) == "`" + repeated("x", 40) + "…`");
    CHECK(in_quotes(repeated("ü", 40)) == "`" + repeated("ü", 40) + "`");
    CHECK(in_quotes(repeated("ü", 41)) == "`" + repeated("ü", 40) + "…`");
}

TEST_CASE("a terminal obeys nothing in a value") {
    CHECK(in_quotes("a\x1b[31mb") == "`a?[31mb`");
    CHECK(in_quotes("a\nb\tc\x7f") == "`a?b?c?`");
    CHECK(in_quotes("a\xC2\x9B"
                    "31m") == "`a?31m`");
}

TEST_CASE("bytes that are no UTF-8 are cut too") {
    CHECK(in_quotes("\xC2") == "`\xC2`");
    CHECK(in_quotes(repeated("\xFF", 41)) == "`" + repeated("\xFF", 40) + "…`");
}
