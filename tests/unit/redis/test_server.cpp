#include "redis/server.hpp"

#include "base/error.hpp"
#include "replies.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <string>
#include <string_view>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

/// Connections whose servers say what a test lists, a piece a read.
class Connections {
public:
    struct Connection {
        std::deque<std::string> to_read;
        std::string written = {};
        bool silent = true;
        bool refuses = false;
    };

    std::deque<Connection> all;
    std::size_t made = 0;

    RedisServer server(const std::string& uri = "redis://h",
                       RedisOptions options = {.rest_after_failure = 1h}) {
        options.connect_to = [this](const RedisService&, Deadline) {
            Connection& connection = all.at(made++);
            if (connection.refuses) {
                throw StreamError("Connection refused");
            }
            return std::make_unique<FakeStream>(connection);
        };
        return {parse_redis_uri(uri), options};
    }

private:
    class FakeStream : public Stream {
    public:
        explicit FakeStream(Connection& connection) : m_connection(connection) {}

        void write(std::string_view bytes, Deadline /*deadline*/) override {
            m_connection.written += bytes;
        }
        std::size_t read(std::span<char> buffer, Deadline /*deadline*/) override {
            if (m_connection.to_read.empty()) {
                throw StreamError("the connection was closed");
            }
            const std::string piece = m_connection.to_read.front();
            m_connection.to_read.pop_front();
            return piece.copy(buffer.data(), buffer.size());
        }
        bool is_silent() override { return m_connection.silent; }

    private:
        Connection& m_connection;
    };
};

const std::string k_primary = "*2\r\n$4\r\nrole\r\n$6\r\nmaster\r\n";
const std::string k_replica = "*2\r\n$4\r\nrole\r\n$7\r\nreplica\r\n";

std::vector<RedisReply> run(RedisServer& server, const std::vector<RedisCommand>& commands) {
    return server.run(commands, std::nullopt);
}

std::string failure(RedisServer& server) {
    try {
        run(server, {{"GET", "a"}});
    } catch (const CacheError& error) {
        return error.what();
    }
    return "";
}

} // namespace

TEST_CASE("user, password and database go in one write with the first reads, and once") {
    Connections connections;
    connections.all = {{{"+OK\r\n+OK\r\n", "$1\r\n7\r\n", "$1\r\n8\r\n"}}};
    RedisServer server = connections.server("redis://shop:open@h/3");
    const std::string get = format_command({"GET", "a"});
    CHECK(run(server, {{"GET", "a"}}).front().text == "7");
    CHECK(connections.all[0].written ==
          format_command({"AUTH", "shop", "open"}) + format_command({"SELECT", "3"}) + get);
    connections.all[0].written.clear();
    CHECK(run(server, {{"GET", "a"}}).front().text == "8");
    CHECK(connections.all[0].written == get);
}

TEST_CASE("a user without a password is told with an empty one") {
    Connections connections;
    connections.all = {{{"+OK\r\n+OK\r\n"}}};
    RedisServer server = connections.server("redis://shop:@h");
    run(server, {{"GET", "a"}});
    CHECK(connections.all[0].written.starts_with(format_command({"AUTH", "shop", ""})));
}

TEST_CASE("a password that is refused ends the connection") {
    Connections connections;
    connections.all = {{{"-WRONGPASS no\r\n-NOAUTH\r\n"}}};
    RedisServer server = connections.server("redis://:open@h");
    const auto* const sentence = "Redis at h:6379 refused AUTH: the user or the password in "
                                 "REDIS_SERVICE_URI is wrong";
    CHECK(failure(server) == sentence);
    CHECK(failure(server) == sentence);
    CHECK(connections.made == 1);
}

TEST_CASE("an error reply to a command is given") {
    Connections connections;
    connections.all = {{{"-OOM\r\n:1\r\n"}}};
    RedisServer server = connections.server();
    const auto replies = run(server, {{"SET", "a", "1"}, {"DEL", "a"}});
    CHECK(replies[0].kind == RedisReply::Kind::error);
    CHECK(replies[1].integer == 1);
}

TEST_CASE("a connection that its server closed while nothing was in flight is made anew") {
    Connections connections;
    connections.all = {{{"+OK\r\n$1\r\n7\r\n"}}, {{"+OK\r\n$1\r\n8\r\n"}}};
    RedisServer server = connections.server("redis://:open@h");
    run(server, {{"GET", "a"}});
    connections.all[0].silent = false;
    CHECK(run(server, {{"GET", "a"}}).front().text == "8");
    CHECK(connections.all[1].written.starts_with(format_command({"AUTH", "open"})));
}

TEST_CASE("a connection that was made in advance and closed since is made anew") {
    Connections connections;
    connections.all = {{{}}, {{":1\r\n"}}};
    RedisServer server = connections.server();
    server.connect();
    connections.all[0].silent = false;
    CHECK(run(server, {{"DEL", "a"}}).front().integer == 1);
    CHECK(connections.all[0].written.empty());
}

TEST_CASE("a connection that its server closed is a failure where that matters") {
    Connections connections;
    connections.all = {{{"$1\r\n7\r\n"}}, {{"$1\r\n8\r\n"}}};
    RedisServer server = connections.server("redis://h", {.when_closed = WhenClosed::fail});
    run(server, {{"GET", "a"}});
    connections.all[0].silent = false;
    CHECK(failure(server) == "lost Redis at h:6379: the connection was closed");
    CHECK(connections.made == 1);
}

TEST_CASE("a connection that breaks once something was sent is a failure, for a while") {
    Connections connections;
    connections.all = {{{}}, {{"$1\r\n7\r\n"}}};
    RedisServer server = connections.server();
    const auto* const lost = "lost Redis at h:6379: the connection was closed; if it wants TLS, "
                             "begin REDIS_SERVICE_URI with rediss";
    CHECK(failure(server) == lost);
    CHECK(failure(server) == lost);
    CHECK(connections.made == 1);
}

TEST_CASE("TLS is suggested only where no reply ever came, and TLS is not used") {
    Connections connections;
    connections.all = {{{"$1\r\n7\r\n"}}, {{}}, {{}}};
    RedisServer answered = connections.server();
    run(answered, {{"GET", "a"}});
    CHECK(failure(answered) == "lost Redis at h:6379: the connection was closed");
    RedisServer encrypted = connections.server("rediss://h");
    CHECK(failure(encrypted) == "lost Redis at h:6379: the connection was closed");
}

TEST_CASE("a server that knows no users is told the password alone") {
    Connections connections;
    connections.all = {{{"-ERR wrong number of arguments for 'auth' command\r\n"
                         "-NOAUTH Authentication required.\r\n",
                         "+OK\r\n$1\r\n7\r\n"}}};
    RedisServer server = connections.server("redis://h:s3cret@h");
    CHECK(run(server, {{"GET", "a"}}).front().text == "7");
    CHECK(connections.all[0].written.ends_with(format_command({"AUTH", "s3cret"}) +
                                               format_command({"GET", "a"})));
}

TEST_CASE("a Sentinel names the primary, which is asked for its role with the first reads") {
    Connections connections;
    connections.all = {{{"+OK\r\n*2\r\n$1\r\np\r\n$1\r\n7\r\n"}},
                       {{"+OK\r\n*2\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$1\r\n7\r\n"}}};
    RedisServer server =
        connections.server("redis+sentinel://u:open@s/shop?sentinel_password=other");
    CHECK(run(server, {{"GET", "a"}}).front().text == "7");
    CHECK(server.service().peer() == "p:7");
    CHECK(connections.all[0].written ==
          format_command({"AUTH", "other"}) +
              format_command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "shop"}));
    CHECK(connections.all[1].written == format_command({"AUTH", "u", "open"}) +
                                            format_command({"HELLO"}) +
                                            format_command({"GET", "a"}));
}

TEST_CASE("a lost connection has the Sentinels asked anew") {
    Connections connections;
    connections.all = {{{"*2\r\n$1\r\np\r\n$1\r\n7\r\n"}},
                       {{"-ERR unknown command\r\n:1\r\n"}},
                       {{"*2\r\n$1\r\nq\r\n$1\r\n8\r\n"}},
                       {{"*2\r\n$4\r\nrole\r\n$6\r\nmaster\r\n", ":2\r\n"}}};
    RedisServer server = connections.server("redis+sentinel://s/shop");
    server.connect();
    CHECK(connections.made == 2);
    run(server, {{"GET", "a"}});
    connections.all[1].silent = false;
    CHECK(run(server, {{"DEL", "a"}}).front().integer == 2);
    CHECK(server.service().peer() == "q:8");
}

TEST_CASE("a Sentinel that knows no primary, or names none, leaves it to the next") {
    Connections connections;
    connections.all = {{{"*-1\r\n"}}, {{"*2\r\n$1\r\np\r\n$1\r\n0\r\n"}}, {{}, {}, true, true}};
    RedisServer server = connections.server("redis+sentinel://a,b,c/shop");
    CHECK(failure(server) ==
          "Sentinel at a:26379 knows no service shop: write the name that its configuration has "
          "into REDIS_SERVICE_URI; Sentinel at b:26379: unexpected reply to SENTINEL; is this a "
          "Redis or Valkey server?; cannot connect to Sentinel at c:26379: Connection refused");
}

TEST_CASE("a server that failed is tried again after a rest") {
    Connections connections;
    connections.all = {{{}, {}, true, true}, {{}, {}, true, true}, {{"$1\r\n7\r\n"}}};
    RedisServer server = connections.server("redis://h", {.rest_after_failure = 0ms});
    CHECK(failure(server) == "cannot connect to Redis at h:6379: Connection refused");
    CHECK(failure(server) == "cannot connect to Redis at h:6379: Connection refused");
    CHECK(run(server, {{"GET", "a"}}).front().text == "7");
}

TEST_CASE("a connection that is refused names the server") {
    Connections connections;
    connections.all = {{{}, {}, true, true}};
    RedisServer server = connections.server();
    CHECK(failure(server) == "cannot connect to Redis at h:6379: Connection refused");
}

TEST_CASE("a server that sends more than it is asked for is left") {
    for (const auto* const more : {"$1\r\n7\r\n+OK\r\n", "$1\r\n7\r\n$5\r\n12"}) {
        Connections connections;
        connections.all = {{{more}}};
        RedisServer server = connections.server();
        CHECK(failure(server) == "lost Redis at h:6379: it sent more than it was asked for");
    }
}

TEST_CASE("a server that always has the next bytes ready is left when time is up") {
    Connections connections;
    connections.all = {{std::deque<std::string>(1000, "$1\r\n7\r\n")}};
    RedisServer server = connections.server("redis://h", {.limit = TimeLimit::whole(0ms)});
    CHECK(failure(server) == "lost Redis at h:6379: no answer in time");
}

TEST_CASE("an old connection is asked for its role, with the next reads or before the next write") {
    Connections connections;
    connections.all = {
        {{k_primary + "$1\r\n7\r\n", k_primary + "$1\r\n8\r\n", k_primary, ":1\r\n"}}};
    RedisServer server = connections.server("redis://h", {.trust = 0ms});
    CHECK(run(server, {{"GET", "a"}}).front().text == "7");
    CHECK(run(server, {{"GET", "a"}}).front().text == "8");
    CHECK(run(server, {{"DEL", "a"}}).front().integer == 1);
    CHECK(connections.all[0].written.ends_with(format_command({"HELLO"}) +
                                               format_command({"DEL", "a"})));
    CHECK(connections.made == 1);
}

TEST_CASE("an old connection to what is a replica now is left for a new one") {
    for (const RedisCommand& command : {RedisCommand{"GET", "a"}, RedisCommand{"DEL", "a"}}) {
        Connections connections;
        connections.all = {{{"$1\r\n7\r\n", k_replica + "$1\r\n7\r\n"}}, {{":8\r\n"}}};
        if (command.front() == "DEL") {
            connections.all[0].to_read[1] = k_replica;
        }
        RedisServer server = connections.server("redis://h", {.trust = 50ms});
        run(server, {{"GET", "a"}});
        pause_for(60ms);
        CHECK(run(server, {command}).front().integer == 8);
        CHECK(connections.all[0].written.find("DEL") == std::string::npos);
    }
}

TEST_CASE("an old connection to what is a replica now is a failure where that matters") {
    Connections connections;
    connections.all = {{{":7\r\n", k_replica + "$-1\r\n"}}};
    RedisServer server =
        connections.server("redis://h", {.when_closed = WhenClosed::fail, .trust = 50ms});
    run(server, {{"DEL", "a"}});
    pause_for(60ms);
    CHECK(failure(server) == "lost Redis at h:6379: it is a replica now");
}

TEST_CASE("a server that says that it is read-only is left for a new connection") {
    Connections connections;
    connections.all = {{{"-READONLY You can't write\r\n"}}, {{":1\r\n"}}};
    RedisServer server = connections.server();
    CHECK(run(server, {{"DEL", "a"}}).front().kind == RedisReply::Kind::error);
    CHECK(run(server, {{"DEL", "a"}}).front().integer == 1);
}

TEST_CASE("reads are sent once more where an old connection is lost, and nothing else is") {
    Connections connections;
    connections.all = {{{"$1\r\n7\r\n"}}, {{"$1\r\n8\r\n"}}, {{"$1\r\n9\r\n"}}};
    RedisServer server = connections.server();
    CHECK(run(server, {{"GET", "a"}}).front().text == "7");
    CHECK(run(server, {{"GET", "a"}}).front().text == "8");
    CHECK_THROWS_AS(run(server, {{"DEL", "a"}}), CacheError);
    CHECK(connections.made == 2);
}

TEST_CASE("a connection that was idle for long is left before a write") {
    Connections connections;
    connections.all = {{{":1\r\n"}}, {{":2\r\n"}}};
    RedisServer server = connections.server("redis://h", {.most_idle = 0ms});
    CHECK(run(server, {{"DEL", "a"}}).front().integer == 1);
    CHECK(run(server, {{"DEL", "a"}}).front().integer == 2);
}

TEST_CASE("what is not Redis's protocol is told") {
    Connections connections;
    connections.all = {{{"HTTP/1.1 400 Bad Request\r\n"}}};
    RedisServer server = connections.server();
    CHECK(failure(server).starts_with("lost Redis at h:6379: Protocol error"));
}
