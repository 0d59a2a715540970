#include "redis/key_scan.hpp"

#include "customers.hpp"
#include "fake_redis.hpp"

#include <doctest/doctest.h>

using namespace ordercache;
using namespace ordercache::replies;

namespace {

using Scopes = std::vector<Scope>;

Scopes scanned(RedisRouter& router, const std::string& prefix) {
    Scopes all;
    scan_keys(router.primaries(), KeyNames(prefix, CustomerType::integer).values(),
              [&](const Scopes& scopes) { all.insert(all.end(), scopes.begin(), scopes.end()); });
    return all;
}

} // namespace

TEST_CASE("a scan goes on from page to page until the server says that it is over, and finds a key "
          "once") {
    fakes::RedisServers servers;
    servers.set_answer("h:6379", [](const RedisCommand& command) {
        if (command.front() == "HELLO") {
            return list({text("mode"), text("standalone")});
        }
        if (command.at(1) == "0") {
            return list({text("17"), list({text("n:1"), text("n:x"), text("n:2")})});
        }
        return command.at(1) == "17" ? list({text("5"), list({})})
                                     : list({text("0"), list({text("n:3")})});
    });
    RedisRouter router = servers.router(parse_redis_uri("redis://h"));
    CHECK(scanned(router, "n") == Scopes{customer_scope(1), customer_scope(2), customer_scope(3)});
    for (const RedisCommand& command : servers.commands_to("h:6379")) {
        CHECK((command.front() == "HELLO" || command.at(3) == "n:*"));
    }
}

TEST_CASE("many keys are told in pieces, and the rest at the end") {
    fakes::RedisServers servers;
    const int pages = 401;
    const int keys = 250;
    servers.set_answer("h:6379", [&](const RedisCommand& command) {
        if (command.front() == "HELLO") {
            return list({text("mode"), text("standalone")});
        }
        const int page = std::stoi(command.at(1)) + 1;
        std::vector<RedisReply> names;
        for (int i = 1; i <= keys; ++i) {
            names.push_back(text("n:" + std::to_string(page * keys + i)));
        }
        return list({text(std::to_string(page % pages)), list(names)});
    });
    RedisRouter router = servers.router(parse_redis_uri("redis://h"));
    std::vector<std::size_t> pieces;
    scan_keys(router.primaries(), KeyNames("n", CustomerType::integer).values(),
              [&](const Scopes& scopes) { pieces.push_back(scopes.size()); });
    CHECK(pieces == std::vector<std::size_t>{100'000, 250});
}

TEST_CASE("pages without keys do not make the pages of long keys longer") {
    const std::string prefix(20'000, 'p');
    fakes::RedisServers servers;
    servers.set_answer("h:6379", [&](const RedisCommand& command) {
        if (command.front() == "HELLO") {
            return list({text("mode"), text("standalone")});
        }
        const int page = std::stoi(command.at(1));
        return page < 9 ? list({text(std::to_string(page + 1)), list({})})
                        : list({text("0"), list({text(prefix + ":1")})});
    });
    RedisRouter router = servers.router(parse_redis_uri("redis://h"));

    CHECK(scanned(router, prefix) == Scopes{customer_scope(1)});
    for (const RedisCommand& command : servers.commands_to("h:6379")) {
        if (command.front() == "SCAN") {
            CHECK(std::stoi(command.back()) <= 6);
        }
    }
}
