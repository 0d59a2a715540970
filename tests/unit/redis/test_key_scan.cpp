#include "redis/key_scan.hpp"

#include "fake_redis.hpp"

#include <doctest/doctest.h>

using namespace ordercache;
using namespace ordercache::replies;

TEST_CASE("a scan goes on from page to page until the server says that it is over") {
    fakes::RedisServers servers;
    servers.set_answer("h:6379", [](const RedisCommand& command) {
        if (command.front() == "HELLO") {
            return list({text("mode"), text("standalone")});
        }
        if (command.at(1) == "0") {
            return list({text("17"), list({text("a"), text("b")})});
        }
        return command.at(1) == "17" ? list({text("5"), list({})})
                                     : list({text("0"), list({text("c")})});
    });
    RedisRouter router = servers.router(parse_redis_uri("redis://h"));
    std::vector<std::vector<std::string>> pages;
    scan_keys(router.primaries(), "x*",
              [&](const std::vector<std::string>& keys) { pages.push_back(keys); });
    CHECK(pages == std::vector<std::vector<std::string>>{{"a", "b"}, {}, {"c"}});
    for (const RedisCommand& command : servers.commands_to("h:6379")) {
        CHECK((command.front() == "HELLO" || command.at(3) == "x*"));
    }
}

TEST_CASE("pages without keys do not make the pages of long keys longer") {
    const std::string pattern(20'000, 'p');
    fakes::RedisServers servers;
    servers.set_answer("h:6379", [&](const RedisCommand& command) {
        if (command.front() == "HELLO") {
            return list({text("mode"), text("standalone")});
        }
        const int page = std::stoi(command.at(1));
        return page < 9 ? list({text(std::to_string(page + 1)), list({})})
                        : list({text("0"), list({text(pattern + '1')})});
    });
    RedisRouter router = servers.router(parse_redis_uri("redis://h"));

    std::vector<std::string> found;
    scan_keys(router.primaries(), pattern, [&](const std::vector<std::string>& keys) {
        found.insert(found.end(), keys.begin(), keys.end());
    });
    CHECK(found == std::vector{pattern + '1'});
    for (const RedisCommand& command : servers.commands_to("h:6379")) {
        if (command.front() == "SCAN") {
            CHECK(std::stoi(command.back()) <= 6);
        }
    }
}
