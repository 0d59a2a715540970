#include "cli/spelling.hpp"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

using namespace ordercache;

namespace {

using Names = std::vector<std::string_view>;

const Names k_names = {"count", "add", "invalidate", "ttl", "--refresh"};

} // namespace

TEST_CASE("a letter added, left out, mistaken or swapped is forgiven") {
    CHECK(nearest("coount", k_names) == "count");
    CHECK(nearest("cont", k_names) == "count");
    CHECK(nearest("coumt", k_names) == "count");
    CHECK(nearest("cuont", k_names) == "count");
    CHECK(nearest("tll", k_names) == "ttl");
}

TEST_CASE("a long name forgives more than a short one") {
    CHECK(nearest("invaldat", k_names) == "invalidate");
    CHECK_FALSE(nearest("xyl", k_names));
}

TEST_CASE("nonsense is near nothing") {
    CHECK_FALSE(nearest("xyzzy", k_names));
    CHECK_FALSE(nearest("", k_names));
    CHECK_FALSE(nearest("--", k_names));
}

TEST_CASE("of two likely names the nearer is meant, of equals the first") {
    const std::vector<std::string_view> names = {"--dates", "--rates"};
    CHECK(nearest("--ratse", names) == "--rates");
    CHECK(nearest("--xates", names) == "--dates");
}

TEST_CASE("dashes count neither for nor against a name") {
    CHECK(nearest("refresh", k_names) == "--refresh");
    CHECK(nearest("-refesh", k_names) == "--refresh");
    CHECK_FALSE(nearest("--xyz", k_names));
}

TEST_CASE("the beginning of a name is as good as the name") {
    CHECK(nearest("inv", k_names) == "invalidate");
    CHECK(nearest("--r", k_names) == "--refresh");
    CHECK(nearest("--cust", Names{"--json", "--customer", "--customers-from"}) == "--customer");
    CHECK(nearest("--d", Names{"--dry-run", "--date"}) == "--dry-run");
    CHECK_FALSE(nearest("", Names{"--date", "--dry-run"}));
}
