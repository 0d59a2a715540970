#include "postgres/change_feed.hpp"

#include "fake_postgres.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

using namespace ordercache;
using namespace ordercache::fakes;

namespace {

using PollRows = std::vector<Values>;

/// A feed whose server is set up, and whose session is its own.
struct Followed {
    Postgres postgres;
    MemoryReporter reporter;
    PostgresChangeFeed feed{{{"", "shop"}, {}, TimeLimit::none(), reporter, postgres.open()},
                            reporter};

    void will_start(const std::string& process = "1", const std::string& lock = "t",
                    const std::string& former = "") {
        postgres.on("version()", gives(table({"version"}, {{"4"}})));
        postgres.on("ordercache.view()", gives(table({"is_ours"}, {{"t"}})));
        postgres.on("pg_backend_pid", gives(table({"pid"}, {{process}})));
        postgres.on("pg_try_advisory_lock", gives(table({"is_ours"}, {{lock}})));
        postgres.on("coalesce((SELECT max(token)",
                    gives(table({"token", "former"}, {{"mine", former}})));
    }

    void will_tell(const PollRows& more = {}, const std::string& token = "mine",
                   const std::string& tables = "42", const std::string& bytes = "0") {
        PollRows rows = {{"follower", token, std::nullopt}, {"tables", tables, bytes}};
        rows.insert(rows.end(), more.begin(), more.end());
        will_tell_only(rows);
    }

    void will_tell_only(const PollRows& rows) {
        postgres.on("ordercache.poll", gives(table({"kind", "subject", "amount"}, rows)));
    }

    void start(const PollRows& rows = {}) {
        will_start();
        will_tell(rows);
        REQUIRE(start_feed());
    }

    bool start_feed() {
        return feed.start([] {});
    }

    /// What the poll told, in one, or nullopt if some of it may be lost.
    std::optional<Changes> poll() {
        Changes told;
        const PollEnd end = feed.poll([&](const Changes& piece) {
            told.scopes.insert(told.scopes.end(), piece.scopes.begin(), piece.scopes.end());
            told.transactions.insert(told.transactions.end(), piece.transactions.begin(),
                                     piece.transactions.end());
        });
        return end == PollEnd::complete ? std::optional(told) : std::nullopt;
    }
};

} // namespace

TEST_CASE("a poll tells of transactions and customers") {
    Followed on;
    on.start();
    on.will_tell({{"transaction", "4294967299", "-3"}, {"customer", "9999", "2"}});
    const auto changes = on.poll();
    REQUIRE(changes);
    REQUIRE(changes->transactions.size() == 1);
    CHECK(changes->transactions[0].transaction == 4294967299);
    CHECK(changes->transactions[0].orders == -3);
    CHECK(changes->scopes == std::vector<Scope>{customer_scope(9999)});
}

TEST_CASE("where not everybody sees all orders, nobody knows by how much the total changed") {
    Followed on;
    on.start();
    on.will_tell({{"total", std::nullopt, std::nullopt}});
    const auto changes = on.poll();
    REQUIRE(changes);
    CHECK(changes->transactions.empty());
    CHECK(changes->scopes == std::vector<Scope>{k_all_orders});
}

TEST_CASE("what a poll told is forgotten only when it was handled") {
    Followed on;
    on.start();
    on.will_tell({{"transaction", "900", "1"}});
    on.feed.poll([&](const Changes&) { CHECK(on.postgres.statements.back() != "COMMIT"); });
    CHECK(on.postgres.statements.back() == "COMMIT");
}

TEST_CASE("what could not be handled is not forgotten") {
    Followed on;
    on.start();
    on.will_tell({{"transaction", "900", "1"}});
    CHECK_THROWS_AS(on.feed.poll([](const Changes&) { throw CacheError("cannot reach Redis"); }),
                    CacheError);
    CHECK(on.postgres.statements.back() != "COMMIT");
}

TEST_CASE("a total that is not known is counted on a connection of its own") {
    Followed on;
    on.start({{"uncounted", std::nullopt, std::nullopt}});
    on.postgres.on("may_count", gives(table({"may_count"}, {{"t"}})));
    on.postgres.on("AS missing",
                   gives(table({"missing", "tables", "version"}, {{"-2", "42", "1"}})));
    on.feed.count_anew([] {});
    CHECK(on.postgres.connections == 2);
    CHECK(on.postgres.was_asked("UPDATE ordercache.total SET orders = orders + -2, tables = '42', "
                                "version = version + 1 WHERE version = 1"));
    CHECK(on.postgres.statements.back() == "COMMIT");
    on.will_tell();
    on.poll();
    on.feed.count_anew([] {});
    CHECK(on.postgres.connections == 2);
}

TEST_CASE("a total that may not be counted now is left as it is") {
    Followed on;
    on.start({{"uncounted", std::nullopt, std::nullopt}});
    on.postgres.on("may_count", gives(table({"may_count"}, {{"f"}})));
    on.feed.count_anew([] {});
    CHECK_FALSE(on.postgres.was_asked("AS missing"));
}

TEST_CASE("a follower goes on where a count fails, and does not try again at once") {
    Followed on;
    on.start({{"uncounted", std::nullopt, std::nullopt}});
    on.postgres.on("LOCK TABLE", fails("canceling statement due to user request\n", "57014"));
    on.feed.count_anew([] {});
    REQUIRE(on.reporter.warnings.size() == 1);
    CHECK(on.reporter.warnings[0].ends_with("the total will be counted later"));
    on.feed.count_anew([] {});
    CHECK(on.postgres.connections == 2);
}

TEST_CASE("a start forgets what it was told only when everything was dropped") {
    Followed on;
    on.will_start();
    on.will_tell({{"transaction", "900", "1"}});
    CHECK(on.feed.start([&] { CHECK(on.postgres.statements.back() != "COMMIT"); }));
    CHECK(on.postgres.statements.back() == "COMMIT");
}

TEST_CASE("a COMMIT goes to the session that polled, and to no other") {
    Followed on;
    on.start();
    on.will_tell({{"transaction", "900", "1"}});
    on.feed.poll([&](const Changes&) { on.postgres.has_ended_session = true; });
    CHECK(on.postgres.connections == 1);
}

TEST_CASE("who has the lock already is left to follow") {
    Followed on;
    on.will_start("1", "f");
    CHECK_FALSE(on.start_feed());
    CHECK_FALSE(on.postgres.was_asked("ordercache.follower"));
}

TEST_CASE("behind a pooler a poll that is under way is not waited for") {
    Followed on;
    on.postgres.on("DELETE FROM ordercache.follower",
                   fails("canceling statement due to lock timeout\n", "55P03"));
    on.will_start("77");
    CHECK_FALSE(on.start_feed());
    CHECK(on.postgres.was_asked("SET LOCAL lock_timeout"));
    CHECK(on.postgres.statements.back() == "ROLLBACK");
    on.start();
    CHECK(on.postgres.connections == 1);
}

TEST_CASE("whoever waits for another follower's end asks again on the same connection") {
    Followed on;
    on.will_start("1", "f");
    CHECK_FALSE(on.start_feed());
    on.start();
    CHECK(on.postgres.connections == 1);
}

TEST_CASE("a start undoes a poll that was not acknowledged") {
    Followed on;
    on.start();
    on.will_tell({{"transaction", "900", "1"}}, "mine", "43");
    CHECK_FALSE(on.poll());
    on.postgres.statements.clear();
    on.start();
    CHECK(on.postgres.statements.front() == "ROLLBACK");
    CHECK(on.postgres.connections == 1);
}

TEST_CASE("behind a pooler no lock of a session is taken") {
    Followed on;
    on.will_start("2");
    on.will_tell();
    CHECK(on.start_feed());
    CHECK_FALSE(on.postgres.was_asked("pg_try_advisory_lock"));
}

TEST_CASE("a table that others use is emptied by a poll that nobody reads") {
    Followed on;
    on.postgres.on("TRUNCATE", fails("canceling statement due to lock timeout\n", "55P03"));
    on.postgres.on("count(*) FROM ordercache.poll", gives(table({"count"}, {{"2"}})));
    on.start();
}

TEST_CASE("all must start anew where changes may be lost") {
    Followed on;
    on.start({{"prepared", "700", std::nullopt}});
    SUBCASE("a crash emptied the tables") {
        on.will_tell_only({{"tables", "42", "0"}});
    }
    SUBCASE("a table or a trigger changed") {
        on.will_tell({{"prepared", "700", std::nullopt}}, "mine", "43");
    }
    SUBCASE("a prepared transaction ended that was there at the start") {
        on.will_tell();
    }
    SUBCASE("the table of changes is full") {
        on.will_tell({{"prepared", "700", std::nullopt}, {"full", std::nullopt, std::nullopt}});
    }
    SUBCASE("the table of changes has grown") {
        on.will_tell({{"prepared", "700", std::nullopt}}, "mine", "42", "17000000");
    }
    CHECK_FALSE(on.poll());
}

TEST_CASE("a transaction that was prepared later may end") {
    Followed on;
    on.start();
    on.will_tell({{"prepared", "700", std::nullopt}});
    CHECK(on.poll());
    on.will_tell();
    CHECK(on.poll());
}

TEST_CASE("all must start anew when a transaction ends that noted nothing") {
    Followed on;
    on.start({{"unnoted", "3/77", std::nullopt}});
    on.will_tell({{"unnoted", "3/77", std::nullopt}});
    CHECK(on.poll());
    on.will_tell();
    CHECK_FALSE(on.poll());
}

TEST_CASE("a new start ignores what was prepared since the first one, unless there was a crash") {
    Followed on;
    on.start({{"prepared", "700", std::nullopt}});
    on.will_tell({{"prepared", "701", std::nullopt}});
    REQUIRE_FALSE(on.poll());
    std::string former = "mine";
    bool is_whole = true;
    SUBCASE("without a crash") {}
    SUBCASE("after a crash") {
        former = "";
        is_whole = false;
    }
    on.will_start("1", "t", former);
    on.will_tell({{"prepared", "701", std::nullopt}});
    REQUIRE(on.start_feed());
    on.will_tell();
    CHECK(on.poll().has_value() == is_whole);
}

TEST_CASE("a long poll is read in pieces") {
    Followed on;
    on.start();
    PollRows first(4998, {"customer", "7", "1"});
    on.will_tell(first);
    on.postgres.on("FETCH", gives(table({"kind", "subject", "amount"},
                                        PollRows(5000, {"customer", "8", "1"}))));
    on.postgres.on("FETCH",
                   gives(table({"kind", "subject", "amount"}, {{"transaction", "900", "5000"}})));
    std::vector<std::size_t> sizes;
    CHECK(on.feed.poll([&](const Changes& piece) {
        CHECK(on.postgres.statements.back() != "COMMIT");
        sizes.push_back(piece.scopes.size() + piece.transactions.size());
    }) == PollEnd::complete);
    CHECK(sizes == std::vector<std::size_t>{4998, 5000, 1});
    CHECK(on.postgres.statements.back() == "COMMIT");
}

TEST_CASE("an answer that does not begin with the tables is not a poll's") {
    Followed on;
    on.start();
    on.will_tell_only({{"customer", "7", "1"}});
    CHECK_THROWS_AS(on.poll(), Error);
}

TEST_CASE("what cannot be followed is said, with what to do") {
    Followed on;
    on.start();
    SUBCASE("a trigger is missing") {
        on.will_tell({{"missing", "public.orders", std::nullopt}});
        CHECK_THROWS_WITH_AS(on.poll(),
                             "PostgreSQL at db.example:5432, database shop: changes of "
                             "public.orders are not noted; as the owner of orders, run `ordercache "
                             "invalidate --follow-sql | psql -v ON_ERROR_STOP=1 "
                             "\"$PG_SERVICE_URI\" -c '\\connect shop' -f -`",
                             NotFollowed);
    }
    SUBCASE("a trigger is astray") {
        on.will_tell({{"stray", "public.former", std::nullopt}});
        CHECK_THROWS_AS(on.poll(), NotFollowed);
    }
    SUBCASE("another follower took over") {
        on.will_tell({}, "another's");
        CHECK_THROWS_AS(on.poll(), NotFollowed);
    }
}

TEST_CASE("a database that is not set up cannot be followed") {
    Followed on;
    SUBCASE("not at all") {
        on.postgres.on("version()", fails("schema \"ordercache\" does not exist\n", "3F000"));
    }
    SUBCASE("for another version") {
        on.postgres.on("version()", gives(table({"version"}, {{"2"}})));
    }
    CHECK_THROWS_AS(on.start_feed(), NotFollowed);
    CHECK(on.postgres.statements.size() == 1);
}

TEST_CASE("a database that is set up for another view of the orders cannot be followed") {
    Followed on;
    on.postgres.on("ordercache.view()", gives(table({"is_ours"}, {{"f"}})));
    on.will_start();
    CHECK_THROWS_AS(on.start_feed(), NotFollowed);
}

TEST_CASE("a customer whom no count names has no count to drop") {
    Followed on;
    on.start();
    on.will_tell({{"customer", "all", "2"}, {"customer", "0", "2"}, {"customer", "7", "2"}});
    const auto changes = on.poll();
    REQUIRE(changes);
    CHECK(changes->scopes == std::vector<Scope>{customer_scope(7)});
}

TEST_CASE("a database that is not set up is named") {
    Followed on;
    on.postgres.on("version()", fails("schema \"ordercache\" does not exist\n", "3F000"));
    const std::string said = error_of([&] { on.start_feed(); }).what();
    CHECK(said.starts_with("PostgreSQL at db.example:5432, database shop: the database is not"));
    CHECK(said.find("schema \"ordercache\" does not exist; as the owner of orders, run") !=
          std::string::npos);
}

TEST_CASE("a standby may be the primary soon, and is no reason to give up") {
    Followed on;
    on.postgres.on(
        "DELETE FROM ordercache.follower",
        fails("cannot access temporary or unlogged relations during recovery\n", "0A000"));
    on.will_start();
    CHECK_THROWS_WITH_AS(on.start_feed(),
                         "PostgreSQL at db.example:5432, database shop: it is a standby, which "
                         "notes no changes: name the primary in PG_SERVICE_URI",
                         Error);
}

TEST_CASE("the lock of a follower whose host is gone does not stay for long") {
    Followed on;
    on.start();
    CHECK(on.postgres.was_asked("SET tcp_keepalives_idle"));
}

TEST_CASE("a failure that may pass is no reason to give up") {
    Followed on;
    on.start();
    on.postgres.breaks_on("ordercache.poll");
    const Error error = error_of([&] { on.poll(); });
    CHECK(error.kind() == ErrorKind::store_failed);
    CHECK(std::string(error.what()).find("lost the connection") != std::string::npos);
}
