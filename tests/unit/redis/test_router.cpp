#include "redis/router.hpp"

#include "base/error.hpp"
#include "fake_redis.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace ordercache;
using namespace ordercache::replies;
using namespace std::chrono_literals;

namespace {

using Pipeline = fakes::RedisServers::Pipeline;
using fakes::failure;

const auto k_named = "named:6379";
const auto k_other = "other:7000";

RedisService named() {
    return parse_redis_uri("redis://shop:open@named");
}

RedisReply moved(const std::string& key, const std::string& node) {
    return error("MOVED " + std::to_string(slot_of(key)) + " " + node);
}

/// Two nodes: the named one sends everybody to the other one.
struct TwoNodes {
    TwoNodes() {
        servers.set_answer(k_named, [](const RedisCommand& command) {
            return command.front() == "CLUSTER"
                       ? list({list({number(0), number(16383),
                                     list({text("other"), number(7000), text("id")})})})
                       : moved(command.at(1), k_other);
        });
        servers.set_answer(k_other,
                           [](const RedisCommand& command) { return text(command.at(1)); });
    }

    fakes::RedisServers servers;
    RedisRouter router = servers.router(named());
};

} // namespace

TEST_CASE("a single server is asked nothing but the commands, in one write") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [](const RedisCommand& command) { return text(command.at(1)); });
    RedisRouter router = servers.router(named());
    const auto replies = router.run({{"GET", "a"}, {"GET", "b"}});
    REQUIRE(replies.size() == 2);
    CHECK(replies[1].text == "b");
    CHECK(servers.sent_to(k_named) == std::vector<Pipeline>{{{"GET", "a"}, {"GET", "b"}}});
    CHECK_FALSE(router.is_cluster());
    CHECK(servers.pauses().empty());
}

TEST_CASE("a command that MOVED sends on goes to that node, and the next for its slot at once") {
    TwoNodes nodes;
    CHECK(nodes.router.run({{"GET", "a"}}).front().text == "a");
    CHECK(nodes.router.is_cluster());
    CHECK(nodes.router.run({{"GET", "a"}}).front().text == "a");
    CHECK(nodes.servers.commands_to(k_named) == Pipeline{{"GET", "a"}});
    CHECK(nodes.servers.commands_to(k_other) == Pipeline{{"GET", "a"}, {"GET", "a"}});
}

TEST_CASE("many commands that are sent on have all owners asked for, once") {
    TwoNodes nodes;
    const Pipeline all = {{"GET", "a"}, {"GET", "b"}, {"GET", "c"}, {"GET", "d"}, {"GET", "e"}};
    const auto replies = nodes.router.run(all);
    CHECK(replies[4].text == "e");
    nodes.router.run({{"GET", "x"}, {"GET", "y"}});
    CHECK(nodes.servers.sent_to(k_named) == std::vector<Pipeline>{all, {{"CLUSTER", "SLOTS"}}});
    CHECK(nodes.servers.sent_to(k_other) ==
          std::vector<Pipeline>{all, {{"GET", "x"}, {"GET", "y"}}});
}

TEST_CASE("every node is spoken to with the credentials of the one that the URI names") {
    TwoNodes nodes;
    nodes.router.run({{"GET", "a"}});
    CHECK(nodes.servers.services().at(k_other).user == "shop");
    CHECK(nodes.servers.services().at(k_other).password == "open");
}

TEST_CASE("ASK is followed with ASKING, this once") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [](const RedisCommand&) { return error("ASK 15495 other:7000"); });
    servers.set_answer(k_other, [](const RedisCommand& command) {
        return text(command.front() == "ASKING" ? "OK" : "7");
    });
    RedisRouter router = servers.router(named());
    CHECK(router.run({{"GET", "a"}}).front().text == "7");
    CHECK(router.run({{"GET", "a"}}).front().text == "7");
    CHECK(servers.sent_to(k_named).size() == 2);
    CHECK(servers.sent_to(k_other) == std::vector<Pipeline>(2, Pipeline{{"ASKING"}, {"GET", "a"}}));
}

TEST_CASE("TRYAGAIN is tried again with longer and longer pauses, until the slot has moved") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [&](const RedisCommand&) {
        return servers.pauses().size() < 8 ? error("TRYAGAIN Multiple keys request") : nil();
    });
    RedisRouter router = servers.router(named());
    router.run({{"EVAL", "return", "1", "a"}});
    CHECK(servers.pauses() ==
          std::vector<std::chrono::milliseconds>{0ms, 5ms, 10ms, 20ms, 40ms, 80ms, 100ms, 100ms});
}

TEST_CASE("redirections are followed no longer than the limit allows, and told as they are") {
    fakes::RedisServers servers;
    servers.set_answer(
        k_named, [](const RedisCommand& command) { return moved(command.at(1), "named:6379"); });
    RedisRouter router = servers.router(named(), TimeLimit::none(), 20ms);
    CHECK(
        failure([&] {
            router.run({{"GET", "a"}});
        }) ==
        "Redis at named:6379 refused GET: the cluster's nodes disagree about which of them has the "
        "key: try again");
}

TEST_CASE("redirections are followed as long as the limit allows, unless a shorter one is set") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [](const RedisCommand&) { return error("TRYAGAIN"); });
    const auto seconds_waited = [&](std::chrono::milliseconds limit,
                                    std::optional<std::chrono::milliseconds> redirection_time) {
        const auto begin = std::chrono::steady_clock::now();
        RedisRouter router = servers.router(named(), TimeLimit::whole(limit), redirection_time);
        CHECK(failure([&] { router.run({{"EVAL", "return", "1", "a"}}); }) != "");
        return std::chrono::steady_clock::now() - begin;
    };
    CHECK(seconds_waited(100ms, std::nullopt) >= 100ms);
    CHECK(seconds_waited(5s, 10ms) < 5s);
}

TEST_CASE("the time for redirections begins with the first of them") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [](const RedisCommand& command) {
        pause_for(60ms);
        return moved(command.at(1), k_other);
    });
    servers.set_answer(k_other, [](const RedisCommand&) { return text("7"); });
    RedisRouter router = servers.router(named(), TimeLimit::none(), 50ms);
    CHECK(router.run({{"GET", "a"}}).front().text == "7");
}

TEST_CASE("a deadline of the caller's bounds redirections too") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [](const RedisCommand&) { return error("TRYAGAIN"); });
    RedisRouter router = servers.router(named());
    CHECK_THROWS_AS(router.run({{"GET", "a"}}, Deadline::in(20ms)), CacheError);
}

TEST_CASE("a redirection without a host means the node that gave it") {
    fakes::RedisServers servers;
    servers.set_answer(k_named,
                       [](const RedisCommand& command) { return moved(command.at(1), ":7001"); });
    servers.set_answer("named:7001", [](const RedisCommand&) { return text("7"); });
    RedisRouter router = servers.router(named());
    CHECK(router.run({{"GET", "a"}}).front().text == "7");
}

TEST_CASE("from a node at a Unix socket the others are reached over TCP") {
    fakes::RedisServers servers;
    servers.set_answer("/run/r.sock",
                       [](const RedisCommand& command) { return moved(command.at(1), ":7001"); });
    servers.set_answer("localhost:7001", [](const RedisCommand&) { return text("7"); });
    RedisRouter router = servers.router(parse_redis_uri("unix:///run/r.sock"));
    CHECK(router.run({{"GET", "a"}}).front().text == "7");
    CHECK(servers.services().at("localhost:7001").transport == RedisService::Transport::tcp);
}

TEST_CASE("commands that several nodes serve are a write to each, and answered in their order") {
    fakes::RedisServers servers;
    const auto answer = [](const RedisCommand& command) { return text(command.at(1)); };
    servers.set_answer(k_named, [&](const RedisCommand& command) {
        const auto node = [](const char* host, int port) {
            return list({text(host), number(port)});
        };
        if (command.front() == "CLUSTER") {
            return list({list({number(0), number(8191), node("named", 6379)}),
                         list({number(8192), number(16383), node("other", 7000)})});
        }
        return slot_of(command.at(1)) < 8192 ? text(command.at(1)) : moved(command.at(1), k_other);
    });
    servers.set_answer(k_other, answer);
    RedisRouter router = servers.router(named());
    const std::vector<RedisCommand> commands = {
        {"GET", "a"}, {"GET", "b"}, {"GET", "c"}, {"GET", "d"}};
    router.run(commands);
    const auto writes = servers.sent_to(k_named).size() + servers.sent_to(k_other).size();
    const auto replies = router.run(commands);
    CHECK(servers.sent_to(k_named).size() + servers.sent_to(k_other).size() == writes + 2);
    for (std::size_t i = 0; i < commands.size(); ++i) {
        CHECK(replies[i].text == commands[i].at(1));
    }
}

TEST_CASE("CROSSSLOT is given, and shows a cluster") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [](const RedisCommand&) { return error("CROSSSLOT Keys"); });
    RedisRouter router = servers.router(named());
    CHECK(is_cross_slot(router.run({{"MGET", "a", "b"}}).front()));
    CHECK(router.is_cluster());
}

TEST_CASE("a single server is the only primary, and need not be asked for a cluster") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [](const RedisCommand&) {
        return list({text("server"), text("redis"), text("mode"), text("standalone")});
    });
    RedisRouter router = servers.router(named());
    CHECK(router.primaries().size() == 1);
    CHECK(servers.commands_to(k_named) == Pipeline{{"HELLO"}});
}

TEST_CASE("a server too old for HELLO that knows no cluster is the only primary") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [](const RedisCommand&) { return error("ERR unknown command"); });
    RedisRouter router = servers.router(named());
    CHECK(router.primaries().size() == 1);
}

TEST_CASE("a cluster's primaries are those that serve slots, each once") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [](const RedisCommand& command) {
        const auto node = [](const char* host, int port) {
            return list({text(host), number(port)});
        };
        return command.front() == "HELLO"
                   ? list({text("mode"), text("cluster")})
                   : list({list({number(0), number(99), node("named", 6379)}),
                           list({number(100), number(199), node("other", 7000)}),
                           list({number(200), number(16383), node("named", 6379)})});
    });
    RedisRouter router = servers.router(named());
    std::multiset<std::string> peers;
    for (const RedisServer* const primary : router.primaries()) {
        peers.insert(primary->service().peer());
    }
    CHECK(peers == std::multiset<std::string>{k_named, k_other});
}

TEST_CASE("a cluster without primaries is down") {
    fakes::RedisServers servers;
    servers.set_answer(k_named, [](const RedisCommand& command) {
        return command.front() == "HELLO" ? list({text("mode"), text("cluster")}) : list({});
    });
    RedisRouter router = servers.router(named());
    CHECK(failure([&] { router.primaries(); }) ==
          "Redis at named:6379 refused CLUSTER: the cluster is down: try again");
}

TEST_CASE("reads go to all their servers before the first reply is awaited, in their order") {
    TwoNodes nodes;
    nodes.servers.set_answer(k_named, [](const RedisCommand& command) {
        return command.at(1) == "a" ? moved("a", k_other) : text(command.at(1));
    });
    nodes.router.run({{"GET", "a"}});
    const auto replies = nodes.router.run({{"GET", "a"}, {"GET", "b"}, {"GET", "c"}});
    CHECK(replies[0].text == "a");
    CHECK(replies[2].text == "c");
    CHECK(nodes.servers.sent_to(k_named).back() == Pipeline{{"GET", "b"}, {"GET", "c"}});
}

TEST_CASE("what was sent ahead is forgotten when another server fails") {
    TwoNodes nodes;
    nodes.servers.set_answer(k_named, [](const RedisCommand& command) {
        return command.at(1) == "a" ? moved("a", k_other) : text(command.at(1));
    });
    nodes.router.run({{"GET", "a"}});
    nodes.servers.set_answer(k_other, [](const RedisCommand&) -> RedisReply {
        throw StreamError("Connection reset by peer");
    });
    CHECK(failure([&] {
              nodes.router.run({{"GET", "b"}, {"GET", "a"}});
          }) == "lost Redis at other:7000: Connection reset by peer");
    CHECK(nodes.router.run({{"GET", "c"}}).front().text == "c");
}

namespace {

RedisReply role(const std::string& name) {
    return list({text("role"), text(name), text("mode"), text("cluster")});
}

} // namespace

TEST_CASE("a command is run behind HELLO if all servers that have keys are primaries") {
    TwoNodes nodes;
    std::string named_role = "master";
    std::string other_role = "master";
    nodes.servers.set_answer(k_named, [&](const RedisCommand& command) {
        return command.front() == "HELLO" ? role(named_role)
               : command.front() == "CLUSTER"
                   ? list({list({number(0), number(100),
                                 list({text("other"), number(7000), text("id")})}),
                           list({number(101), number(16383),
                                 list({text("named"), number(6379), text("id")})})})
                   : number(7);
    });
    nodes.servers.set_answer(k_other, [&](const RedisCommand&) { return role(other_role); });
    nodes.router.primaries();
    CHECK(nodes.router.run_if_primaries({"INCR", "a"}).integer == 7);
    CHECK(nodes.servers.sent_to(k_other) == std::vector<Pipeline>{{{"HELLO"}}});
    CHECK(nodes.servers.sent_to(k_named).back() == Pipeline{{"HELLO"}, {"INCR", "a"}});
    SUBCASE("another server") {
        other_role = "slave";
        CHECK(failure([&] {
                  nodes.router.run_if_primaries({"INCR", "a"});
              }) == "Redis at other:7000 refused HELLO: it is a replica: name the primary in "
                    "REDIS_SERVICE_URI");
        CHECK(nodes.servers.commands_to(k_named).back() == RedisCommand{"INCR", "a"});
    }
    SUBCASE("the server that has the key") {
        named_role = "replica";
        CHECK_FALSE(failure([&] { nodes.router.run_if_primaries({"INCR", "a"}); }).empty());
    }
}

TEST_CASE("a server that is too old for HELLO is asked for its role") {
    for (const auto* const told : {"master", "slave"}) {
        fakes::RedisServers servers;
        servers.set_answer(k_named, [&](const RedisCommand& command) {
            return command.front() == "ROLE"    ? list({text(told)})
                   : command.front() == "HELLO" ? error("ERR unknown command")
                                                : number(7);
        });
        RedisRouter router = servers.router(named());
        CHECK(failure([&] {
                  router.run_if_primaries({"INCR", "a"});
              }).empty() == (told == std::string("master")));
    }
}

TEST_CASE("an error reply names the server that gave it") {
    TwoNodes nodes;
    nodes.servers.set_answer(k_other, [](const RedisCommand&) { return error("OOM"); });
    CHECK(failure([&] {
              nodes.router.run({{"SET", "a", "1"}});
          }).starts_with("Redis at other:7000 refused SET: its memory is full"));
}
