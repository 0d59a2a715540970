#include "redis/key_names.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace ordercache;

TEST_CASE("a value's name is the prefix and whose count it is") {
    const KeyNames names("num_orders");
    CHECK(names.value(k_all_orders) == "num_orders:all");
    CHECK(names.value(Scope{9999}) == "num_orders:9999");
}

TEST_CASE("the protocol's own keys have the value's name for a hash tag") {
    const KeyNames names("num_orders");
    CHECK(names.keys(Scope{9999}) == std::vector<std::string>{"{num_orders:9999}:lease",
                                                              "num_orders:9999",
                                                              "{num_orders:9999}:answer"});
    CHECK(names.keys(k_all_orders) ==
          std::vector<std::string>{"num_orders:all", "{num_orders:all}:ledger",
                                   "{num_orders:all}:committed", "{num_orders:all}:answer"});
}

TEST_CASE("a prefix with a hash tag of its own gets no second one") {
    const KeyNames names("{shop}:orders");
    CHECK(names.leases().of(k_all_orders) == "{shop}:orders:all:lease");
    CHECK(names.ledger() == "{shop}:orders:all:ledger");
    CHECK(names.followed() == "{shop}:orders:all:followed");
    CHECK(names.alive() == "{shop}:orders:all:alive");
}

TEST_CASE("only keys of this program's own are told for values and leases") {
    const KeyNames names("num_orders");
    CHECK(names.values().scope_in("num_orders:all") == k_all_orders);
    CHECK(names.values().scope_in("num_orders:7") == Scope{7});
    CHECK(names.leases().scope_in("{num_orders:7}:lease") == Scope{7});
    for (const auto* const key :
         {"num_orders:", "num_orders:07", "num_orders:0", "num_orders:ALL", "num_orders:7:x",
          "num_orders:99999999999", "{num_orders:7}:lease", "{num_orders:all}:ledger", "other:7",
          "num_orders:all:followed"}) {
        CAPTURE(key);
        CHECK_FALSE(names.values().scope_in(key));
    }
    for (const auto* const key : {"num_orders:7", "{num_orders:}:lease", "{num_orders:x}:lease",
                                  "{num_orders:all}:ledger", "{other:7}:lease"}) {
        CAPTURE(key);
        CHECK_FALSE(names.leases().scope_in(key));
    }
}

TEST_CASE("a pattern takes the prefix for what it is, not for a pattern") {
    const KeyNames names("a*[b]?");
    CHECK(names.values().pattern() == "a\\*\\[b\\]\\?:*");
    CHECK(names.leases().pattern() == "{a\\*\\[b\\]\\?:*}:lease");
}
