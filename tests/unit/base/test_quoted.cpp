#include "base/quoted.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace ordercache;

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

TEST_CASE("what is shown is UTF-8") {
    for (const char* text :
         {"Zürich", "€", "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
        CHECK(printable(text, ' ') == text);
    }
    CHECK(printable("Z\xFCrich", ' ') == "Z?rich");
    CHECK(printable("a\xC2", ' ') == "a?");
    CHECK(printable("\xE2\x82x", ' ') == "??x");
    CHECK(printable("\xC0\xAF", ' ') == "??");
    CHECK(printable("\xED\xA0\x80", ' ') == "???");
    CHECK(printable("\xF4\x90\x80\x80", ' ') == "????");
    CHECK(in_quotes(repeated("\xFF", 41)) == "`" + repeated("?", 40) + "…`");
}
