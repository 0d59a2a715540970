#include "postgres/rows.hpp"

#include "fake_postgres.hpp"

#include <doctest/doctest.h>

using namespace ordercache;
using fakes::table;

TEST_CASE("a row's values go by the names of its columns") {
    const Row row =
        table({"id", "name", "done", "note"}, {{"12001", "Ada", "t", std::nullopt}}).only();
    CHECK(row.number("id") == 12001);
    CHECK(row.text("name") == "Ada");
    CHECK(row.flag("done"));
    CHECK(row.is_null("note"));
    CHECK_FALSE(row.is_null("id"));
}

TEST_CASE("a reply of the wrong shape is told apart, and never read past its end") {
    CHECK_THROWS_WITH_AS(table({"count"}).only(), "0 rows instead of one", UnexpectedReply);
    CHECK_THROWS_WITH_AS(table({"count"}, {{"1"}, {"2"}}).only(), "2 rows instead of one",
                         UnexpectedReply);
    const Row row = table({"count", "done"}, {{std::nullopt, "yes"}}).only();
    CHECK_THROWS_WITH_AS(row.number("sum"), "there is no column sum", UnexpectedReply);
    CHECK_THROWS_WITH_AS(row.number("count"), "column count is NULL", UnexpectedReply);
    CHECK_THROWS_WITH_AS(row.flag("done"), "column done is not a boolean", UnexpectedReply);
    for (const char* text : {"", "x", "1x", " 1", "1.0", "9223372036854775808"}) {
        CAPTURE(text);
        const Row wrong = table({"count"}, {{text}}).only();
        CHECK_THROWS_WITH_AS(wrong.number("count"), "column count is not a number",
                             UnexpectedReply);
    }
}
