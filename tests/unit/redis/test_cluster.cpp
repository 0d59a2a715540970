#include "redis/cluster.hpp"

#include "customers.hpp"
#include "redis/key_names.hpp"
#include "replies.hpp"

#include <doctest/doctest.h>

using namespace ordercache;
using namespace ordercache::replies;

TEST_CASE("a key's slot is the one that the specification of Redis Cluster gives") {
    CHECK(slot_of("123456789") == 12739);
    CHECK(slot_of("") == 0);
    CHECK(slot_of("foo") == 12182);
}

TEST_CASE("a hash tag decides the slot, where there is one") {
    CHECK(slot_of("{foo}:lease") == slot_of("foo"));
    CHECK(slot_of("{user1000}.following") == slot_of("{user1000}.followers"));
    CHECK(slot_of("foo{{bar}}zap") == slot_of("{bar"));
    CHECK(slot_of("foo{bar}{zap}") == slot_of("bar"));
    CHECK(slot_of("foo{}{bar}") != slot_of("bar"));
    CHECK(slot_of("}foo{") != slot_of("foo"));
}

TEST_CASE("a count and its lease are in one slot") {
    for (const char* const prefix : {"num_orders", "shop", "{shop}:orders", "a b*"}) {
        const KeyNames names(prefix, CustomerType::integer);
        for (const Scope& scope : {k_all_orders, customer_scope(1), customer_scope(9999)}) {
            CHECK(slot_of(names.value(scope)) == slot_of(names.leases().of(scope)));
        }
    }
}

TEST_CASE("MOVED and ASK name the node, whose host may be missing or an IPv6 address") {
    const auto moved = redirection_in(error("MOVED 3999 127.0.0.1:6381"));
    REQUIRE(moved.has_value());
    CHECK(moved->kind == Redirection::Kind::moved);
    CHECK(moved->node.host == "127.0.0.1");
    CHECK(moved->node.port == "6381");

    const auto ask = redirection_in(error("ASK 3999 :6382"));
    REQUIRE(ask.has_value());
    CHECK(ask->kind == Redirection::Kind::ask);
    CHECK(ask->node.host.empty());
    CHECK(ask->node.port == "6382");

    CHECK(redirection_in(error("MOVED 1 2001:db8::1:6379"))->node.host == "2001:db8::1");
}

TEST_CASE("TRYAGAIN is a redirection, and other replies are none") {
    CHECK(redirection_in(error("TRYAGAIN Multiple keys request during rehashing of slot"))->kind ==
          Redirection::Kind::try_again);
    CHECK_FALSE(redirection_in(error("ERR unknown command")).has_value());
    CHECK_FALSE(redirection_in(text("MOVED 3999 127.0.0.1:6381")).has_value());
}

TEST_CASE("a node without a port that there is, is nobody to go to") {
    for (const auto* node : {"127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "localhost:65536", ":x"}) {
        CHECK_FALSE(redirection_in(error(std::string("MOVED 3999 ") + node)).has_value());
        CHECK_FALSE(redirection_in(error(std::string("ASK 3999 ") + node)).has_value());
    }
    for (const int port : {-1, 0, 65536}) {
        const auto node = list({text("10.0.0.1"), number(port), text("id")});
        CHECK(slot_ranges_in(list({list({number(0), number(5), node})})).empty());
    }
}

TEST_CASE("CLUSTER SLOTS names the primary of each range before its replicas") {
    const auto node = [](const char* host, std::int64_t port) {
        return list({text(host), number(port), text("id")});
    };
    const auto ranges = slot_ranges_in(
        list({list({number(0), number(8191), node("10.0.0.1", 6379), node("10.0.0.2", 6379)}),
              list({number(8192), number(16383), node("", 6380)})}));
    REQUIRE(ranges.size() == 2);
    CHECK(ranges[0].first == 0);
    CHECK(ranges[0].last == 8191);
    CHECK(ranges[0].primary.host == "10.0.0.1");
    CHECK(ranges[1].primary.host.empty());
    CHECK(ranges[1].primary.port == "6380");
}

TEST_CASE("what is no range of slots is ignored") {
    const auto node = list({text("10.0.0.1"), number(6379)});
    CHECK(slot_ranges_in(error("ERR This instance has cluster support disabled")).empty());
    CHECK(slot_ranges_in(list({list({}), number(7)})).empty());
    CHECK(slot_ranges_in(list({list({number(5), number(16384), node})})).empty());
    CHECK(slot_ranges_in(list({list({number(-1), number(5), node})})).empty());
    CHECK(slot_ranges_in(list({list({number(6), number(5), node})})).empty());
}
