#include "postgres/connection.hpp"

#include "fake_postgres.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

using namespace ordercache;
using namespace std::chrono_literals;
using fakes::error_of;
using fakes::PostgresClient;

namespace {

constexpr auto run_select = [](PostgresSession& session) { return session.run("SELECT 1").size(); };

Error failure_of_select(PostgresClient& client) {
    return error_of([&] { client.connection->ask(run_select); });
}

/// Accepts connections, and says nothing.
class SilentPeer {
public:
    SilentPeer() : m_socket(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        REQUIRE(bind(m_socket, reinterpret_cast<sockaddr*>(&address), length) == 0);
        REQUIRE(listen(m_socket, 4096) == 0);
        REQUIRE(getsockname(m_socket, reinterpret_cast<sockaddr*>(&address), &length) == 0);
        m_port = ntohs(address.sin_port);
    }
    SilentPeer(const SilentPeer&) = delete;
    SilentPeer& operator=(const SilentPeer&) = delete;
    ~SilentPeer() { close(m_socket); }

    std::string connection_string() const {
        return "host=127.0.0.1 port=" + std::to_string(m_port);
    }

private:
    int m_socket;
    int m_port = 0;
};

std::ptrdiff_t entries_of(const char* folder) {
    return std::distance(std::filesystem::directory_iterator(folder), {});
}

} // namespace

TEST_CASE("an hour of attempts to reach a silent peer leaves no thread and no descriptor behind") {
    const SilentPeer peer;
    fakes::MemoryReporter reporter;
    const auto attempt = [&] {
        PostgresConnection connection({peer.connection_string(), ""}, OrdersView{},
                                      TimeLimit::each_wait(std::chrono::milliseconds(3)), reporter);
        return error_of([&] { connection.ask(run_select); });
    };
    CHECK(std::string(attempt().what()).ends_with(" failed: no answer in time"));
    const auto threads = entries_of("/proc/self/task");
    const auto descriptors = entries_of("/proc/self/fd");
    constexpr int k_attempts_of_an_hour = 600; // each of 5 s, and a pause of 1 s
    for (int i = 0; i < k_attempts_of_an_hour; ++i) {
        REQUIRE(attempt().kind() == ErrorKind::store_failed);
    }
    CHECK(entries_of("/proc/self/task") == threads);
    CHECK(entries_of("/proc/self/fd") == descriptors);
}

TEST_CASE("the connection is made when it is first needed, and kept") {
    PostgresClient client;
    CHECK(client.postgres.connections == 0);
    client.connection->ask(run_select);
    client.connection->ask(run_select);
    CHECK(client.postgres.connections == 1);
    CHECK(client.reporter.notes ==
          std::vector<std::string>{"Connecting to PostgreSQL, database shop"});
}

TEST_CASE("a server that cannot be reached is named with its database") {
    PostgresClient client;
    client.postgres.refusals = 1;
    const Error error = failure_of_select(client);
    CHECK(error.kind() == ErrorKind::store_failed);
    CHECK(
        std::string(error.what()) ==
        "cannot connect to PostgreSQL, database shop: connection to server at \"db.example\", port "
        "5432 failed: Connection refused");
}

TEST_CASE("a statement that fails is a failure of the server's, and the session is given up") {
    PostgresClient client;
    client.postgres.on("SELECT", fakes::fails("out of memory\n", "53200"));
    const Error error = failure_of_select(client);
    CHECK(error.kind() == ErrorKind::store_failed);
    CHECK(std::string(error.what()) ==
          "PostgreSQL at db.example:5432, database shop: out of memory");
    client.connection->ask(run_select);
    CHECK(client.postgres.connections == 2);
}

TEST_CASE("what PostgreSQL rejects is a no") {
    PostgresClient client;
    client.postgres.on("SELECT", fakes::fails("zu viel\n", "22003"));
    const Error error = failure_of_select(client);
    CHECK(error.kind() == ErrorKind::rejected);
    CHECK(std::string(error.what()) ==
          "PostgreSQL at db.example:5432, database shop: rejected: zu viel");
}

TEST_CASE("a connection that was lost is called that") {
    PostgresClient client;
    client.postgres.breaks_on("SELECT");
    CHECK(std::string(failure_of_select(client).what()) ==
          "PostgreSQL at db.example:5432, database shop: lost the connection: server closed the "
          "connection unexpectedly");
}

TEST_CASE("an answer that makes no sense is a failure, and says what is wrong with it") {
    PostgresClient client;
    const Error error = error_of([&] {
        client.connection->ask([](PostgresSession& session) {
            return session.run("SELECT 1").only().number("count");
        });
    });
    CHECK(error.kind() == ErrorKind::store_failed);
    CHECK(std::string(error.what()) == "PostgreSQL at db.example:5432, database shop: unexpected "
                                       "result: 0 rows instead of one; is it PostgreSQL?");
}

TEST_CASE("past the limit a statement is cancelled") {
    PostgresClient client(300ms);
    client.postgres.on("SELECT", [] {
        std::this_thread::sleep_for(500ms);
        return Rows{};
    });
    const Error error = failure_of_select(client);
    CHECK(error.kind() == ErrorKind::store_failed);
    CHECK(std::string(error.what()) ==
          "PostgreSQL at db.example:5432, database shop: no answer within --timeout");
    CHECK(client.postgres.was_asked("cancel"));
}

TEST_CASE("a COMMIT tells how it ended") {
    PostgresClient client;
    const auto commit = [&] {
        client.connection->ask(run_select);
        return client.connection->send_commit();
    };
    CHECK(commit()->outcome == CommitOutcome::committed);

    client.postgres.breaks_on("COMMIT");
    CHECK_FALSE(commit());

    client.postgres.on("COMMIT", fakes::fails("no such customer\n", "23503"));
    const auto refused = commit();
    CHECK(refused->outcome == CommitOutcome::rolled_back);
    CHECK(refused->error->kind() == ErrorKind::rejected);
}

TEST_CASE("a COMMIT that is answered by ROLLBACK wrote nothing") {
    PostgresClient client;
    client.connection->ask(run_select);
    client.postgres.on("COMMIT", fakes::gives(fakes::table({"tag"}, {{"ROLLBACK"}})));
    const auto reply = client.connection->send_commit();
    CHECK(reply->outcome == CommitOutcome::rolled_back);
    CHECK(reply->error->kind() == ErrorKind::store_failed);
}

TEST_CASE("past the limit no COMMIT is sent") {
    PostgresClient client(1ms);
    client.connection->begin();
    client.postgres.on("COMMIT", fakes::fails("must not come\n", ""));
    std::this_thread::sleep_for(2ms);
    const auto reply = client.connection->send_commit();
    CHECK(reply->outcome == CommitOutcome::server_lost);
    CHECK(reply->error->kind() == ErrorKind::store_failed);
    CHECK_FALSE(client.postgres.was_asked("COMMIT"));
}

TEST_CASE("a session that the server ended while it was idle is made anew, but in a transaction") {
    PostgresClient client;
    client.connection->ask(run_select);
    client.postgres.has_ended_session = true;
    client.connection->ask(run_select);
    CHECK(client.postgres.connections == 2);

    client.connection->begin();
    client.postgres.has_ended_session = true;
    client.connection->ask(run_select);
    CHECK(client.postgres.connections == 2);
}

TEST_CASE("a table that is another than it must be is a matter of configuration") {
    PostgresClient client;
    client.postgres.on("SELECT", fakes::fails("column \"tax\" does not exist\n", "42703"));
    CHECK(failure_of_select(client).kind() == ErrorKind::usage);
}
