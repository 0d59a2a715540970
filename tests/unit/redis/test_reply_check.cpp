#include "redis/reply_check.hpp"

#include "replies.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace ordercache;
using namespace ordercache::replies;

namespace {

const RedisService k_service = parse_redis_uri("redis://shop:s3cret@cache.example");

std::string failure(const RedisCommand& command, const RedisReply& reply) {
    try {
        check_reply(k_service, command, reply);
    } catch (const CacheError& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("a reply that the command can have is fine") {
    const auto page = list({text("0"), list({text("a"), text("b")})});
    CHECK(failure({"GET", "a"}, text("7")).empty());
    CHECK(failure({"GET", "a"}, nil()).empty());
    CHECK(failure({"MGET", "a", "b"}, list({text("7"), nil()})).empty());
    CHECK(failure({"SET", "a", "7", "NX"}, nil()).empty());
    CHECK(failure({"DEL", "a"}, number(1)).empty());
    CHECK(failure({"SCAN", "0"}, page).empty());
    CHECK(failure({"EVAL", "return 1", "1", "a"}, number(1)).empty());
}

TEST_CASE("a reply of another kind is refused in a sentence that names server and command") {
    CHECK(
        failure({"GET", "a"}, number(7)) ==
        "Redis at cache.example:6379: unexpected reply to GET; is this a Redis or Valkey server?");
    for (const RedisReply& reply :
         {nil(), text("OK"), list({}), list({text("0")}), list({text("0"), text("a")}),
          list({number(0), list({})}), list({text("0"), list({number(1)})})}) {
        CHECK_FALSE(failure({"SCAN", "0"}, reply).empty());
    }
    for (const RedisReply& reply : {nil(), text("1"), list({number(1)})}) {
        for (const auto* const name : {"DEL", "EXISTS", "PTTL"}) {
            CHECK_FALSE(failure({name, "a"}, reply).empty());
        }
    }
    for (const RedisReply& reply :
         {nil(), text("7"), list({text("7")}), list({text("7"), number(7)}),
          list({text("7"), text("7"), text("7")})}) {
        CHECK_FALSE(failure({"MGET", "a", "b"}, reply).empty());
    }
    CHECK_FALSE(failure({"GET", "a"}, list({text("7")})).empty());
    CHECK_FALSE(failure({"SET", "a", "7"}, number(1)).empty());
}

TEST_CASE("a value of another type is for the caller of GET to read") {
    const auto wrong_type = error("WRONGTYPE Operation against a key");
    CHECK(failure({"GET", "a"}, wrong_type).empty());
    CHECK_FALSE(failure({"EVAL", "return 1", "1", "a"}, wrong_type).empty());
    CHECK_FALSE(failure({"DEL", "a"}, wrong_type).empty());
}

TEST_CASE("keys in several slots are for the caller to part") {
    CHECK(failure({"MGET", "a", "b"}, error("CROSSSLOT Keys")).empty());
    CHECK_FALSE(failure({"DEL", "a"}, error("CROSSSLOT Keys")).empty());
}

TEST_CASE("a refusal says what to do, where that is known") {
    const auto refused = [](const std::string& text) { return failure({"EVAL"}, error(text)); };
    CHECK(refused("NOPERM this user has no permissions to run the 'eval' command") ==
          "Redis at cache.example:6379 refused EVAL: the user in REDIS_SERVICE_URI lacks a "
          "right: grant it with ACL SETUSER, as RIGHTS in ordercache(1) shows");
    CHECK(refused("ERR The user executing the script can't run this command or subcommand script: "
                  "16, on @user_script:14.") == refused("NOPERM"));
    CHECK(
        refused("ERR ACL failure in script: User shop has no permissions to run the 'set' command "
                "script: 16, on @user_script:14.") == refused("NOPERM"));
    CHECK(refused("ERR unknown command 'EVAL', with args beginning with: 'for'").find("RIGHTS") !=
          std::string::npos);
    CHECK(refused("BUSYKEY Target exists").find("BUSYKEY Target exists") != std::string::npos);
}

TEST_CASE("a refusal in Redis's own words is not shown where it may hold the password") {
    const std::string hidden =
        "the reason is not shown, since it may contain the password: see its log";
    const std::string peer = "Redis at cache.example:6379 refused ";
    CHECK(failure({"AUTH"}, error("ERR is bad")) == peer + "AUTH: " + hidden);
    CHECK(failure({"GET"}, error("ERR s3cret is bad")) == peer + "GET: " + hidden);
    CHECK(failure({"GET"}, error("ERR secret is bad")) == peer + "GET: ERR secret is bad");
    CHECK(failure({"AUTH"}, error("ERR AUTH <password> called without any password configured for "
                                  "the default user. Are you sure?"))
              .ends_with("it has no password: remove the password from REDIS_SERVICE_URI"));
}
