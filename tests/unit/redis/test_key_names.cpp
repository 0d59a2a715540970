#include "customers.hpp"
#include "redis/key_names.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace ordercache;

TEST_CASE("a value's name is the prefix and whose count it is") {
    const KeyNames names("num_orders", CustomerType::integer);
    CHECK(names.value(k_all_orders) == "num_orders:all");
    CHECK(names.value(customer_scope(9999)) == "num_orders:9999");
}

TEST_CASE("the protocol's own keys have the value's name for a hash tag") {
    const KeyNames names("num_orders", CustomerType::integer);
    CHECK(names.keys(customer_scope(9999)) == std::vector<std::string>{"{num_orders:9999}:lease",
                                                                       "num_orders:9999",
                                                                       "{num_orders:9999}:answer"});
    CHECK(names.keys(k_all_orders) ==
          std::vector<std::string>{"num_orders:all", "{num_orders:all}:ledger",
                                   "{num_orders:all}:committed", "{num_orders:all}:answer"});
}

TEST_CASE("a prefix with a hash tag of its own gets no second one") {
    const KeyNames names("{shop}:orders", CustomerType::integer);
    CHECK(names.leases().of(k_all_orders) == "{shop}:orders:all:lease");
    CHECK(names.ledger() == "{shop}:orders:all:ledger");
    CHECK(names.followed() == "{shop}:orders:all:followed");
    CHECK(names.alive() == "{shop}:orders:all:alive");
}

TEST_CASE("only keys of this program's own are told for values and leases") {
    const KeyNames names("num_orders", CustomerType::integer);
    CHECK(names.values().scope_in("num_orders:all") == k_all_orders);
    CHECK(names.values().scope_in("num_orders:7") == customer_scope(7));
    CHECK(names.leases().scope_in("{num_orders:7}:lease") == customer_scope(7));
    for (const auto* const key :
         {"num_orders:", "num_orders:07", "num_orders:0", "num_orders:x", "num_orders:ALL",
          "num_orders:7:x", "num_orders:9223372036854775808", "{num_orders:7}:lease",
          "{num_orders:all}:ledger", "other:7", "num_orders:all:followed"}) {
        CAPTURE(key);
        CHECK_FALSE(names.values().scope_in(key));
    }
    for (const auto* const key : {"num_orders:7", "{num_orders:}:lease", "{num_orders:x}:lease",
                                  "{num_orders:all}:ledger", "{other:7}:lease"}) {
        CAPTURE(key);
        CHECK_FALSE(names.leases().scope_in(key));
    }
}

TEST_CASE("a text customer's own keys are no other customer's value") {
    for (const auto* const prefix : {"num_orders", "{shop}:orders"}) {
        const KeyNames names(prefix, CustomerType::text);
        for (const auto* const id : {"1", "1:lease", "all:ledger", "a b", "*"}) {
            const Scope scope{CustomerId{id}};
            CAPTURE(id);
            CHECK(names.values().scope_in(names.value(scope)) == scope);
            CHECK(names.leases().scope_in(names.leases().of(scope)) == scope);
            CHECK_FALSE(names.values().scope_in(names.leases().of(scope)));
        }
        CHECK_FALSE(names.values().scope_in(names.ledger()));
    }
    const KeyNames tagged("{shop}:orders", CustomerType::text);
    CHECK(tagged.leases().of(Scope{CustomerId{"1"}}) == "{shop}:orders:{1}:lease");
}

TEST_CASE("only a customer of the type is told for one") {
    const auto is_told = [](const std::string& id, CustomerType type) {
        return KeyNames("n", type).values().scope_in("n:" + id).has_value();
    };
    CHECK(is_told("9223372036854775807", CustomerType::integer));
    CHECK_FALSE(is_told("9", CustomerType::uuid));
    CHECK(is_told("3f2504e0-4f89-11d3-9a0c-0305e82c3301", CustomerType::uuid));
    CHECK_FALSE(is_told("3F2504E0-4F89-11D3-9A0C-0305E82C3301", CustomerType::uuid));
    CHECK(is_told("3F2504E0-4F89-11D3-9A0C-0305E82C3301", CustomerType::text));
    CHECK_FALSE(is_told("a\tb", CustomerType::text));
    CHECK(KeyNames("n", CustomerType::text).values().scope_in("n:all") == k_all_orders);
}

TEST_CASE("a pattern takes the prefix for what it is, not for a pattern") {
    const KeyNames names("a*[b]?", CustomerType::integer);
    CHECK(names.values().pattern() == "a\\*\\[b\\]\\?:*");
    CHECK(names.leases().pattern() == "{a\\*\\[b\\]\\?:*}:lease");
}
