#include "redis/cache.hpp"

#include "base/error.hpp"
#include "fake_redis.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace ordercache;
using namespace ordercache::replies;
using namespace std::chrono_literals;

namespace {

using Pipeline = fakes::RedisServers::Pipeline;
using fakes::failure;

const auto k_peer = "h:6379";
const Scope k_one = customer_scope(1);
const Scope k_two = customer_scope(2);

/// Of all that the total has.
const RedisCommand k_deletion{"DEL", "n:all", "{n:all}:ledger", "{n:all}:committed",
                              "{n:all}:answer"};

/// What a read asks about the follower, before it asks for values.
const Pipeline k_follower_question{{"PTTL", "{n:all}:alive"}, {"GET", "{n:all}:followed"}};

struct Fixture {
    explicit Fixture(const fakes::RedisServers::Answer& answer) {
        servers.set_answer(k_peer, [this, answer](const RedisCommand& command) {
            const std::string& key = command.back();
            return key == "{n:all}:followed" ? followed
                   : key == "{n:all}:alive"  ? number(milliseconds_alive)
                                             : answer(command);
        });
    }

    RedisReply followed = nil();
    std::int64_t milliseconds_alive = -2;

    Pipeline commands() { return servers.commands_to(k_peer); }

    fakes::RedisServers servers;
    fakes::MemoryReporter reporter;
    RedisCache cache{servers.router(parse_redis_uri("redis://h")),
                     KeyNames("n", CustomerType::integer), 120s, reporter,
                     [] { return "primary"; }};
};

Pipeline with_question(const Pipeline& commands) {
    Pipeline all = k_follower_question;
    all.insert(all.end(), commands.begin(), commands.end());
    return all;
}

Claims acquire(RedisCache& cache, const std::vector<Scope>& scopes) {
    Claims claims;
    for (const Scope& scope : scopes) {
        claims[scope].earlier = scope == k_two ? " early " : "";
    }
    return cache.acquire(claims, Purpose::read);
}

/// A node of a cluster, where a command of several keys is refused.
RedisReply in_cluster(const RedisCommand& command) {
    return command.size() > 2 ? error("CROSSSLOT") : text("7");
}

} // namespace

TEST_CASE("one value is asked for by GET, several by MGET") {
    Fixture fixture([](const RedisCommand& command) {
        return command.front() == "GET" ? text("12000") : list({text("7"), nil()});
    });
    CHECK(fixture.cache.get({k_all_orders}) == Counts{{k_all_orders, 12000}});
    CHECK(fixture.cache.get({k_one, k_two}) == Counts{{k_one, 7}});
    CHECK(fixture.servers.sent_to(k_peer) ==
          std::vector<Pipeline>{with_question({{"GET", "n:all"}}),
                                with_question({{"MGET", "n:1", "n:2"}})});
}

TEST_CASE("values are asked for 250 at a time, in one write") {
    Fixture fixture([](const RedisCommand& command) {
        return list(std::vector<RedisReply>(command.size() - 1, text("7")));
    });
    std::vector<Scope> scopes;
    for (std::int64_t number = 1; number <= 500; ++number) {
        scopes.push_back(customer_scope(number));
    }
    CHECK(fixture.cache.get(scopes)->size() == 500);
    REQUIRE(fixture.servers.sent_to(k_peer).size() == 1);
    CHECK(fixture.commands().size() == 4);
}

TEST_CASE("where a cluster keeps keys apart, each is asked for by itself") {
    Fixture fixture(in_cluster);
    CHECK(fixture.cache.get({k_one, k_two}) == Counts{{k_one, 7}, {k_two, 7}});
    CHECK(fixture.cache.get({k_one, k_two}) == Counts{{k_one, 7}, {k_two, 7}});
    const Pipeline singly = with_question({{"GET", "n:1"}, {"GET", "n:2"}});
    CHECK(fixture.servers.sent_to(k_peer) ==
          std::vector<Pipeline>{with_question({{"MGET", "n:1", "n:2"}}), singly, singly});
}

TEST_CASE("a value that is not a count is a miss, which is warned of") {
    for (const RedisReply& value : {text("many"), text("-1"), text(""), text("1.5"), text("7 "),
                                    text("99999999999999999999"), error("WRONGTYPE Operation")}) {
        Fixture fixture([&](const RedisCommand&) { return value; });
        CHECK(fixture.cache.get({k_all_orders}) == Counts());
        CHECK(fixture.reporter.warnings.size() == 1);
    }
}

TEST_CASE("a reply of the wrong shape is refused, whatever was asked") {
    Fixture fixture([](const RedisCommand& command) {
        return command.front() == "HELLO" ? list({text("mode"), text("standalone")}) : list({});
    });
    RedisCache& cache = fixture.cache;
    const std::vector<std::function<void()>> acts = {
        [&] { cache.get({k_all_orders}); },  [&] {
            cache.get({k_one, k_two}); },
        [&] { acquire(cache, {k_one}); },    [&] { acquire(cache, {k_all_orders}); },
        [&] {
            cache.fill({{k_one, 7}}); },   [&] { cache.drop({k_one}); },
        [&] { cache.drop({k_all_orders}); }, [&] { cache.drop_all(); },
        [&] { cache.values({k_one}); },      [&] { cache.scopes(); },
        [&] { cache.has_ledger(); },         [&] { cache.time_left(k_one); },
        [&] { cache.activity(); },           [&] {
            cache.begin_write({1, "9"}, 1, {k_one}); },
    };
    for (const auto& act : acts) {
        CHECK(failure(act).find("Redis at h:6379") != std::string::npos);
    }
}

TEST_CASE("the right to count is acquired by scripts, and told scope by scope") {
    Fixture fixture([](const RedisCommand& command) {
        const bool of_total = command.at(3) == "n:all";
        return of_total ? list({list({text("wait"), text("another"), text(" another "),
                                      text("731:9"), text("732:"), text("733"), text("x:9")})})
                        : list({list({text("ours")}), list({text("answer"), text("8")})});
    });
    const auto claims = acquire(fixture.cache, {k_all_orders, k_one, k_two});
    REQUIRE(claims.size() == 3);
    const Claim& total = claims.at(k_all_orders);
    CHECK(total.kind == Claim::Kind::wait);
    CHECK(total.is_being_counted);
    CHECK(total.earlier == " another ");
    REQUIRE(total.to_settle.size() == 2);
    CHECK(total.to_settle[0].transaction == 731);
    CHECK(total.to_settle[0].order == "9");
    CHECK(total.to_settle[1].transaction == 732);
    CHECK_FALSE(total.to_settle[1].order);
    CHECK(claims.at(k_one).kind == Claim::Kind::ours);
    CHECK(claims.at(k_two).kind == Claim::Kind::answer);
    CHECK(claims.at(k_two).count == 8);
    CHECK(claims.at(k_two).earlier == " early ");
    CHECK(fixture.servers.sent_to(k_peer).size() == 1);
    const RedisCommand ledger = fixture.commands().front();
    CHECK(std::vector(ledger.begin() + 8, ledger.end()) == RedisCommand{"read", "primary", ""});
    const RedisCommand leases = fixture.commands().back();
    CHECK(std::vector(leases.begin() + 2, leases.begin() + 9) ==
          RedisCommand{"6", "{n:1}:lease", "n:1", "{n:1}:answer", "{n:2}:lease", "n:2",
                       "{n:2}:answer"});
    CHECK(std::vector(leases.begin() + 10, leases.end()) ==
          RedisCommand{"read", "primary", "", " early "});
}

TEST_CASE("each right to count has a token of its own: 128 bits in hexadecimal digits") {
    Fixture fixture([](const RedisCommand&) { return list({list({text("ours")})}); });
    std::set<std::string> tokens;
    for (int i = 0; i < 1000; ++i) {
        acquire(fixture.cache, {k_one});
        const std::string token = fixture.servers.sent_to(k_peer).back().back().at(6);
        CHECK(token.size() == 32);
        CHECK(token.find_first_not_of("0123456789abcdef") == std::string::npos);
        tokens.insert(token);
    }
    CHECK(tokens.size() == 1000);
}

TEST_CASE("a single count that is not stored is left to others, with where it comes from") {
    Fixture fixture([](const RedisCommand&) { return list({list({text("ours")})}); });
    for (const Scope& scope : {k_one, k_all_orders}) {
        acquire(fixture.cache, {scope});
        fixture.cache.share(scope, 7);
        const RedisCommand release = fixture.commands().back();
        CHECK(std::vector(release.end() - 2, release.end()) == RedisCommand{"7", "primary"});
    }
}

TEST_CASE("a single customer's drop and the writer's entry go in one write, the lease first") {
    Fixture fixture(
        [](const RedisCommand& command) { return command.front() == "DEL" ? number(1) : nil(); });
    fixture.cache.begin_write({731, "9"}, 1, {k_one});
    REQUIRE(fixture.servers.sent_to(k_peer).size() == 1);
    const Pipeline commands = fixture.commands();
    CHECK(commands.at(0) == RedisCommand{"DEL", "{n:1}:lease"});
    CHECK(commands.at(1) == RedisCommand{"DEL", "n:1"});
    CHECK(std::vector(commands.at(2).begin() + 2, commands.at(2).end()) ==
          RedisCommand{"4", "n:all", "{n:all}:ledger", "{n:all}:committed", "{n:all}:answer",
                       "731:9", "1"});
}

TEST_CASE(
    "where a writer's entry is refused the total is dropped, but no customer goes undropped") {
    for (const auto* const refused : {"EVAL", "{n:1}:lease", "n:1"}) {
        Fixture fixture([&](const RedisCommand& command) {
            const bool is_refused = command.at(0) == refused || command.at(1) == refused;
            return is_refused ? error("NOPERM") : number(1);
        });
        if (std::string_view(refused) == "EVAL") {
            CHECK_FALSE(fixture.cache.begin_write({731, "9"}, 1, {k_one}));
            CHECK(fixture.commands().back() == k_deletion);
        } else {
            CHECK_THROWS_AS(fixture.cache.begin_write({731, "9"}, 1, {k_one}), CacheError);
        }
    }
}

TEST_CASE("a drop deletes the leases first, and counts the values") {
    Fixture fixture([](const RedisCommand&) { return number(1); });
    CHECK(fixture.cache.drop({k_one, k_two}) == 2);
    CHECK(fixture.commands() ==
          Pipeline{{"DEL", "{n:1}:lease"}, {"DEL", "{n:2}:lease"}, {"DEL", "n:1"}, {"DEL", "n:2"}});
}

TEST_CASE("the total and its ledger are dropped in one step") {
    Fixture fixture(
        [](const RedisCommand& command) { return number(command.front() == "EXISTS" ? 1 : 2); });
    CHECK(fixture.cache.drop({k_all_orders}) == 1);
    CHECK(fixture.commands() == Pipeline{{"EXISTS", "n:all"}, k_deletion});
}

TEST_CASE("in a cluster a drop deletes the values once more, behind leases that were redirected") {
    bool moved = false;
    Fixture fixture([&](const RedisCommand&) {
        return std::exchange(moved, true) ? number(0) : error("MOVED 1 h:6379");
    });
    SUBCASE("by itself") {
        fixture.cache.drop({k_one});
        CHECK(std::ranges::count(fixture.commands(), RedisCommand{"DEL", "n:1"}) == 2);
    }
    SUBCASE("together with a writer's entry") {
        fixture.cache.begin_write({731, "9"}, 1, {k_one});
    }
    CHECK(fixture.commands().back() == RedisCommand{"DEL", "n:1"});
}

TEST_CASE("everything is dropped, leases first, and other keys stay") {
    Fixture fixture([](const RedisCommand& command) {
        if (command.front() == "HELLO") {
            return list({text("mode"), text("standalone")});
        }
        if (command.front() != "SCAN") {
            return number(1);
        }
        const bool of_leases = command.at(3) == "{n:*}:lease";
        return command.at(1) == "0"
                   ? list({text("17"), list({text(of_leases ? "{n:1}:lease" : "n:1")})})
                   : list({text("0"), list({text("n:2"), text("n:other")})});
    });
    CHECK(fixture.cache.drop_all() == 3);
    Pipeline deletions;
    std::ranges::copy_if(fixture.commands(), std::back_inserter(deletions),
                         [](const RedisCommand& command) { return command.front() == "DEL"; });
    CHECK(deletions ==
          Pipeline{k_deletion, {"DEL", "{n:1}:lease"}, {"DEL", "n:1"}, {"DEL", "n:2"}});
    std::string names;
    for (const RedisCommand& command : fixture.commands()) {
        names += command.front() + ' ';
    }
    // A table that shrinks during a scan has its last keys in one bucket, and so in one reply.
    CHECK(names == "HELLO EXISTS DEL SCAN SCAN DEL SCAN SCAN DEL DEL ");
}

TEST_CASE("what a key holds is told from what it does not, a number from all else") {
    Fixture fixture([](const RedisCommand& command) {
        const std::string& key = command.at(1);
        return key == "n:1"   ? text("7")
               : key == "n:2" ? text("many")
               : key == "n:3" ? error("WRONGTYPE Operation")
                              : nil();
    });
    const auto values = fixture.cache.values({k_one, k_two, customer_scope(3), k_all_orders});
    REQUIRE(values.size() == 4);
    CHECK(values[0] == CachedValue{7});
    CHECK(values[1] == CachedValue{});
    CHECK(values[2] == CachedValue{});
    CHECK_FALSE(values[3]);
    CHECK(fixture.servers.sent_to(k_peer).size() == 1);
    CHECK(fixture.reporter.warnings.empty());
}

TEST_CASE("what is cached is found page by page, each once and sorted, and other keys are not") {
    Fixture fixture([](const RedisCommand& command) {
        if (command.front() == "HELLO") {
            return list({text("mode"), text("standalone")});
        }
        return command.at(1) == "0"
                   ? list({text("17"), list({text("n:2"), text("n:x"), text("n:1")})})
                   : list({text("0"), list({text("n:all"), text("n:2")})});
    });
    CHECK(fixture.cache.scopes() == std::vector<Scope>{k_all_orders, k_one, k_two});
}

TEST_CASE("the total's ledger is there or not") {
    for (const int there : {0, 1}) {
        Fixture fixture([&](const RedisCommand&) { return number(there); });
        CHECK(fixture.cache.has_ledger() == (there == 1));
        CHECK(fixture.commands() == Pipeline{{"EXISTS", "{n:all}:ledger"}});
    }
}

TEST_CASE("what an expiry leaves is rounded up, and no expiry is told from no value") {
    const auto left = [](std::int64_t milliseconds) {
        Fixture fixture([&](const RedisCommand&) { return number(milliseconds); });
        return fixture.cache.time_left(k_all_orders);
    };
    CHECK(left(99'001) == 100s);
    CHECK(left(1) == 1s);
    CHECK(left(0) == 0s);
    CHECK(left(-1) == -1s);
    CHECK_FALSE(left(-2));
}

TEST_CASE("a total is filled with what it has seen where PostgreSQL has run since, and once") {
    for (const bool has_run : {true, false}) {
        Fixture fixture([](const RedisCommand&) { return list({text("731:9"), text("732:")}); });
        CHECK_FALSE(fixture.cache.fill_total(7, "740:740:", {733}, [&] { return has_run; }));
        const auto fills = fixture.commands();
        REQUIRE(fills.size() == (has_run ? 2 : 1));
        CHECK(std::vector(fills.front().end() - 3, fills.front().end()) ==
              RedisCommand{"740:740:", "1", "733"});
        if (has_run) {
            CHECK(std::vector(fills.back().end() - 3, fills.back().end()) ==
                  RedisCommand{"733", "731:9", "732:"});
        }
    }
}

TEST_CASE("a count is filled by a script that is told whose lease it is and how long to keep it") {
    Fixture fixture([](const RedisCommand&) { return list({number(1)}); });
    CHECK(fixture.cache.fill({{k_one, 7}}) == Counts{{k_one, 7}});
    const RedisCommand fill = fixture.commands().front();
    CHECK(fill.at(0) == "EVAL");
    CHECK(std::vector(fill.begin() + 2, fill.begin() + 6) ==
          RedisCommand{"3", "{n:1}:lease", "n:1", "{n:1}:answer"});
    CHECK(std::vector(fill.begin() + 7, fill.end()) == RedisCommand{"120", "", "7"});
}

TEST_CASE("of the counts that are filled those are known that were stored") {
    Fixture fixture([](const RedisCommand&) { return list({number(0), number(1)}); });
    CHECK(fixture.cache.fill({{k_one, 7}, {k_two, 8}}) == Counts{{k_two, 8}});
}

TEST_CASE("many transactions of others go in several scripts") {
    Fixture fixture([](const RedisCommand&) { return nil(); });
    fixture.cache.apply_external(std::vector<TransactionDelta>(1001, {731, 1}));
    CHECK(fixture.commands().size() == 3);
}

TEST_CASE("what a follower should watch is served while it gives signs of life") {
    struct Sign {
        RedisReply followed;
        std::int64_t milliseconds_alive;
        bool is_served;
    };
    for (const Sign& sign :
         {Sign{nil(), -2, true}, Sign{nil(), 1000, true}, Sign{text("1"), 0, true},
          Sign{text("1"), 2000, true}, Sign{text("1"), -2, false}, Sign{text("1"), -1, false},
          Sign{text("1"), 2001, false}, Sign{error("WRONGTYPE"), -2, false}}) {
        Fixture fixture([](const RedisCommand&) { return text("7"); });
        fixture.followed = sign.followed;
        fixture.milliseconds_alive = sign.milliseconds_alive;
        CHECK(fixture.cache.get({k_one}).has_value() == sign.is_served);
        CHECK(fixture.reporter.warnings.empty() == sign.is_served);
    }
}

TEST_CASE("that the follower is gone is said once, until it is back") {
    Fixture fixture([](const RedisCommand&) { return text("7"); });
    fixture.followed = text("1");
    fixture.cache.get({k_one});
    fixture.cache.get({k_one});
    CHECK(
        fixture.reporter.warnings ==
        std::vector<std::string>{"the follower of n is gone: counting anew; start it again, or run "
                                 "ordercache invalidate if there is to be none"});
    fixture.milliseconds_alive = 1500;
    CHECK(fixture.cache.get({k_one}));
    fixture.milliseconds_alive = -2;
    CHECK_FALSE(fixture.cache.get({k_one}));
    CHECK(fixture.reporter.warnings.size() == 2);
}

TEST_CASE("in a cluster the follower must have been alive since before the question") {
    Fixture fixture(in_cluster);
    fixture.milliseconds_alive = 1500;
    for (const bool is_long : {true, false}) {
        fixture.followed = text(is_long ? "1800000000000 3600000" : "1800000000000 0");
        fixture.cache.get({k_one, k_two});
        CHECK(fixture.cache.get({k_one, k_two}).has_value() == is_long);
    }
    CHECK(fixture.reporter.warnings.empty());
}

TEST_CASE("a sign of life names its moment by Redis's clock, behind the question for the role") {
    constexpr std::int64_t redis_now = 1'800'000'000'000;
    Fixture fixture([](const RedisCommand& command) {
        return command.front() == "HELLO" ? list({text("role"), text("master")})
                                          : number(redis_now);
    });
    const auto moment = std::chrono::steady_clock::now() - 300ms;
    fixture.cache.vouch(moment);
    fixture.cache.vouch(moment);
    const auto sent = fixture.servers.sent_to(k_peer);
    REQUIRE(sent.size() == 3);
    CHECK(sent.front().front() == RedisCommand{"HELLO"});
    const RedisCommand& first = sent.front().back();
    CHECK(std::vector(first.begin() + 2, first.end()) ==
          RedisCommand{"2", "{n:all}:followed", "{n:all}:alive", "0"});
    const auto named = std::stoll(sent[1].back().back());
    CHECK(named <= redis_now - 300);
    CHECK(named > redis_now - 60'000);
    CHECK(std::stoll(sent[2].back().back()) <= named);
}

TEST_CASE("whether somebody follows is told, when the last poll was, and since when nobody does") {
    Fixture fixture([](const RedisCommand&) {
        return list({number(1'800'000'007'000), number(0), number(0)});
    });
    CHECK_FALSE(fixture.cache.activity().follower);
    fixture.followed = text("1800000000000 500");
    const auto lost = fixture.cache.activity().follower;
    REQUIRE(lost);
    CHECK_FALSE(lost->is_alive);
    CHECK(lost->last_sign.time_since_epoch() == 1'800'000'000s);
    CHECK(lost->last_poll == 7s);
    fixture.milliseconds_alive = 1500;
    const auto at_work = fixture.cache.activity().follower;
    REQUIRE(at_work);
    CHECK(at_work->is_alive);
    CHECK(at_work->last_poll == 500ms);
}

TEST_CASE("who works on the total is asked for in one write with the follower") {
    Fixture fixture([](const RedisCommand&) { return list({number(1), number(2), number(1)}); });
    const CacheActivity activity = fixture.cache.activity();
    CHECK(activity.adds_in_flight == 2);
    CHECK(activity.total_is_being_counted);
    REQUIRE(fixture.servers.sent_to(k_peer).size() == 1);
    const RedisCommand last = fixture.commands().back();
    CHECK(last.front() == "EVAL");
    CHECK(last.back() == "{n:all}:ledger");
}
