#include "cache_aside/follower.hpp"

#include "fakes.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

using namespace ordercache;
using namespace ordercache::fakes;

namespace {

/// Tells what it is given, and keeps a list of what was asked.
class Feed : public ChangeFeed {
public:
    std::deque<std::optional<Changes>> told;
    std::vector<std::string> calls;

    std::deque<Changes> more; ///< The pieces after the first.

    std::optional<Changes> start() override { return first("start"); }
    std::optional<Changes> poll() override { return first("poll"); }
    std::optional<Changes> next() override {
        calls.emplace_back("next");
        if (more.empty()) {
            return std::nullopt;
        }
        auto changes = std::move(more.front());
        more.pop_front();
        return changes;
    }
    void acknowledge() override { calls.emplace_back("acknowledge"); }

private:
    std::optional<Changes> first(const char* call) {
        calls.emplace_back(call);
        auto changes = std::move(told.front());
        told.pop_front();
        return changes;
    }
};

struct Following {
    Servers servers{5};
    Script script;
    Cache cache{servers, script};
    Feed feed;
    MemoryReporter reporter;
    Follower follower{feed, cache, reporter};
};

const Changes k_one_order{.transactions = {{900, 1}}, .scopes = {Scope{9999}}};

} // namespace

TEST_CASE("a start drops everything before it handles what it was told") {
    Following on;
    on.servers.values.set(k_all_orders, 5, milliseconds{1000});
    on.servers.values.set(Scope{7}, 5, milliseconds{1000});
    on.feed.told = {k_one_order};
    CHECK(on.follower.start());
    CHECK_FALSE(on.servers.values.get(k_all_orders));
    CHECK_FALSE(on.servers.values.get(Scope{7}));
    CHECK(on.script.taken().back() == Step::apply_external);
    CHECK(on.feed.calls == std::vector<std::string>{"start", "next", "acknowledge"});
}

TEST_CASE("where somebody else follows, nothing is dropped") {
    Following on;
    on.feed.told = {std::nullopt};
    CHECK_FALSE(on.follower.start());
    CHECK(on.script.taken().empty());
    CHECK(on.feed.calls == std::vector<std::string>{"start"});
}

TEST_CASE("a change is in the cache before it is acknowledged") {
    Following on;
    on.servers.values.set(Scope{9999}, 5, milliseconds{1000});
    on.feed.told = {k_one_order};
    on.script.before(Step::apply_external, [&] { CHECK(on.feed.calls.back() == "poll"); });
    CHECK(on.follower.follow());
    CHECK_FALSE(on.servers.values.get(Scope{9999}));
    CHECK(on.script.times(Step::apply_external) == 1);
    CHECK(on.feed.calls.back() == "acknowledge");
}

TEST_CASE("all pieces are in the cache before they are acknowledged") {
    Following on;
    on.servers.values.set(Scope{9999}, 5, milliseconds{1000});
    on.feed.told = {Changes{}};
    on.feed.more = {k_one_order, k_one_order};
    CHECK(on.follower.follow());
    CHECK_FALSE(on.servers.values.get(Scope{9999}));
    CHECK(on.feed.calls == std::vector<std::string>{"poll", "next", "next", "next", "acknowledge"});
}

TEST_CASE("a change that the cache did not take is not acknowledged") {
    Following on;
    on.cache.is_down = true;
    on.feed.told = {k_one_order};
    CHECK_THROWS_AS(on.follower.follow(), CacheError);
    CHECK(on.feed.calls == std::vector<std::string>{"poll"});
}

TEST_CASE("where nothing changed, the cache is left alone") {
    Following on;
    on.feed.told = {Changes{}};
    CHECK(on.follower.follow());
    CHECK(on.script.taken().empty());
    CHECK(on.feed.calls.back() == "acknowledge");
}

TEST_CASE("where changes may be lost, none is handled") {
    Following on;
    on.feed.told = {std::nullopt};
    CHECK_FALSE(on.follower.follow());
    CHECK(on.script.taken().empty());
    CHECK(on.feed.calls == std::vector<std::string>{"poll"});
}
