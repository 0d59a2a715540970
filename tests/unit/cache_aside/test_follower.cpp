#include "cache_aside/follower.hpp"

#include "fakes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

using namespace ordercache;
using namespace ordercache::fakes;

namespace {

/// Tells what it is given, and keeps a list of what it did.
class Feed : public ChangeFeed {
public:
    bool is_ready = true; ///< No other follower is at work, and nothing is lost.
    PollEnd end = PollEnd::complete;
    std::vector<Changes> told;
    std::vector<std::string> calls;

    bool start(const std::function<void()>& drop_all) override {
        calls.emplace_back("start");
        if (is_ready) {
            drop_all();
            calls.emplace_back("forget");
        }
        return is_ready;
    }

    PollEnd poll(const std::function<void(const Changes&)>& handle) override {
        calls.emplace_back("poll");
        if (end == PollEnd::complete) {
            std::ranges::for_each(told, handle);
            calls.emplace_back("forget");
        }
        return end;
    }
};

struct Following {
    Servers servers{5};
    Script script;
    Cache cache{servers, script};
    Feed feed;
    MemoryReporter reporter;
    Follower follower{feed, cache, reporter, [this] { return now(); }};

    Follower::Clock::time_point now() const {
        return Follower::Clock::time_point(servers.clock.now());
    }
};

const Changes k_one_order{.transactions = {{900, 1}}, .scopes = {customer_scope(9999)}};

} // namespace

TEST_CASE("a start drops everything before the feed forgets") {
    Following on;
    on.servers.values.set(k_all_orders, 5, milliseconds{1000});
    on.servers.values.set(customer_scope(7), 5, milliseconds{1000});
    CHECK(on.follower.start());
    CHECK_FALSE(on.servers.values.get(k_all_orders));
    CHECK_FALSE(on.servers.values.get(customer_scope(7)));
    CHECK(on.feed.calls == std::vector<std::string>{"start", "forget"});
}

TEST_CASE("where somebody else follows, nothing is dropped") {
    Following on;
    on.feed.is_ready = false;
    CHECK_FALSE(on.follower.start());
    CHECK(on.script.taken().empty());
}

TEST_CASE("a change is in the cache before it is forgotten") {
    Following on;
    on.servers.values.set(customer_scope(9999), 5, milliseconds{1000});
    on.feed.told = {k_one_order, k_one_order};
    on.script.before(Step::apply_external, [&] { CHECK(on.feed.calls.back() == "poll"); });
    CHECK(on.follower.follow());
    CHECK_FALSE(on.servers.values.get(customer_scope(9999)));
    CHECK(on.script.times(Step::apply_external) == 2);
    CHECK(on.feed.calls.back() == "forget");
}

TEST_CASE("a change that the cache did not take is not forgotten") {
    Following on;
    on.cache.is_down = true;
    on.feed.told = {k_one_order};
    CHECK_THROWS_AS(on.follower.follow(), CacheError);
    CHECK(on.feed.calls == std::vector<std::string>{"poll"});
}

TEST_CASE("where changes may be lost, none is handled, and nobody vouches for the cache") {
    Following on;
    on.feed.end = PollEnd::lost;
    CHECK_FALSE(on.follower.follow());
    CHECK(on.script.taken().empty());
}

TEST_CASE(
    "a sign of life speaks of the moment at which its poll began, and comes after the changes") {
    Following on;
    on.feed.told = {k_one_order};
    const auto begin = on.now();
    on.script.before(Step::apply_external, [&] { on.servers.clock.tick(milliseconds{300}); });
    CHECK(on.follower.follow());
    CHECK(on.cache.vouched == std::vector{begin});
    CHECK(on.script.taken().back() == Step::vouch);
}

TEST_CASE("a sign of life is given every half a second") {
    Following on;
    for (int polls = 0; polls < 21; ++polls) {
        CHECK(on.follower.follow());
        on.servers.clock.tick(milliseconds{50});
    }
    CHECK(on.cache.vouched.size() == 3);
}

TEST_CASE("a follower that may not be the one at work gives no sign of life") {
    Following on;
    on.feed.end = PollEnd::busy;
    CHECK(on.follower.follow());
    CHECK(on.script.taken().empty());
}
