#include "postgres/follow_sql.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

using namespace ordercache;

namespace {

/// The first and the last line that are no comment.
struct Ends {
    std::string first;
    std::string last;
};

Ends ends_of(const std::string& sql) {
    Ends ends;
    std::istringstream lines(sql);
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && !line.starts_with("--")) {
            ends.first = ends.first.empty() ? line : ends.first;
            ends.last = line;
        }
    }
    return ends;
}

} // namespace

TEST_CASE("the SQL for the follower is one transaction, and so is that of its removal") {
    for (const std::string& sql : {follow_setup_sql({}), follow_removal_sql("ordercache")}) {
        const Ends ends = ends_of(sql);
        CHECK(ends.first == "BEGIN;");
        CHECK(ends.last == "COMMIT;");
        CHECK(sql.find("BEGIN;", sql.find("BEGIN;") + 1) == std::string::npos);
    }
}

TEST_CASE("a migration tool finds neither a command of psql nor a placeholder in the SQL") {
    for (const std::string& sql : {follow_setup_sql({}), follow_removal_sql("ordercache")}) {
        CHECK(sql.find('\\') == std::string::npos);
        CHECK(sql.find('%') == std::string::npos);
        CHECK(sql.find("${") == std::string::npos);
        CHECK(sql.find('?') == std::string::npos);
    }
}

TEST_CASE("each prefix has a schema of its own, whose name needs no quotes") {
    CHECK(follow_schema("num_orders") == "ordercache");
    CHECK(follow_schema("drafts") == "ordercache_drafts");
    CHECK(follow_schema("Drafts") != follow_schema("drafts"));
    CHECK(follow_schema("{shop}:a") != follow_schema("{shop}:b"));
    const std::string longest(45, 'x');
    CHECK(follow_schema(longest) == "ordercache_" + longest);
    CHECK(follow_schema(longest + "a") != follow_schema(longest + "b"));
    for (const std::string prefix :
         {"{shop}:Ä\"'", "a b", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}) {
        const std::string schema = follow_schema(prefix);
        CHECK(schema.size() + std::string("_insert").size() <= 63);
        CHECK(schema.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
              std::string::npos);
    }
}

TEST_CASE("a user's words are between quotes in the SQL for the follower") {
    OrdersView view;
    view.condition = "status <> 'x' -- {braces}";
    const std::string quoted = "''status <> ''''x'''' -- {braces}''";
    CHECK(follow_setup_sql(view).find(quoted) != std::string::npos);
}
