#include "base/error.hpp"
#include "cache_aside/cache_aside.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

using namespace ordercache;
using namespace ordercache::fakes;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("an add drops its customer's count, and hides the total, before it commits") {
    Servers servers(k_orders);
    Process process(servers);
    Process reader(servers);
    reader.reader.counts({k_all_orders, k_customer});
    reader.cache.claim(k_customer);
    process.script.before(Step::commit, [&] {
        CHECK_FALSE(servers.values.get(k_all_orders));
        CHECK_FALSE(servers.values.get(k_customer));
        CHECK_FALSE(servers.is_claimed(k_customer));
    });

    process.add(*k_customer.customer);
    CHECK(servers.orders(k_all_orders) == k_orders + 1);
    CHECK(servers.orders(k_customer) == 1);
    CHECK(process.script.times(Step::commit) == 1);
}

TEST_CASE("an add brings the total back with its order, for what is left of its time") {
    Servers servers(k_orders);
    Process process(servers);
    Process reader(servers);
    reader.count();
    servers.clock.tick(20s);

    process.add(*k_customer.customer);
    CHECK(servers.values.get(k_all_orders) == k_orders + 1);
    servers.clock.tick(100s);
    CHECK_FALSE(servers.values.get(k_all_orders));
}

TEST_CASE("an add whose drop or entry fails commits nothing") {
    for (const Step step : {Step::drop_value, Step::enter}) {
        Servers servers(k_orders);
        Process process(servers);
        process.script.before(step, [&] { process.cache.is_down = true; });

        CHECK_THROWS_AS(process.add(*k_customer.customer), CacheError);
        CHECK(servers.orders(k_all_orders) == k_orders);
        CHECK_FALSE(servers.is_locked(k_all_orders));
        CHECK(process.script.times(Step::commit) == 0);
    }
}

TEST_CASE("an add that is not entered drops the total, and has no end to tell") {
    Servers servers(k_orders);
    Process process(servers);
    Process reader(servers);
    reader.count();
    process.cache.is_full = true;

    process.add(*k_customer.customer);
    CHECK_FALSE(servers.values.get(k_all_orders));
    CHECK(process.script.times(Step::confirm) == 0);
    CHECK(process.reporter.warnings.empty());
}

TEST_CASE("an add stands, with a warning, though its end cannot be told to the cache") {
    Servers servers(k_orders);
    Process process(servers);
    process.script.before(Step::confirm, [&] { process.cache.is_down = true; });

    process.add(*k_customer.customer);
    CHECK(servers.orders(k_all_orders) == k_orders + 1);
    CHECK(process.reporter.warnings == Lines{"cannot reach Redis; the total will be counted anew"});
}

TEST_CASE("a commit that PostgreSQL refuses brings the total back as it was") {
    Servers servers(k_orders);
    Process process(servers);
    Process reader(servers);
    reader.count();

    Orders orders(servers, process.script, {*k_customer.customer}, scopes_of(*k_customer.customer));
    orders.end = {CommitOutcome::rolled_back, Error(ErrorKind::rejected, "rejected")};
    CHECK_THROWS_WITH_AS(commit_and_update_cache(orders, process.cache, process.reporter),
                         "rejected", Error);
    CHECK(servers.values.get(k_all_orders) == k_orders);
}

TEST_CASE("a commit whose server was lost drops the total: its transaction's id may be another's") {
    Servers servers(k_orders);
    Process process(servers);
    Process reader(servers);
    reader.count();

    Orders orders(servers, process.script, {*k_customer.customer}, scopes_of(*k_customer.customer));
    orders.end = {CommitOutcome::server_lost, Error(ErrorKind::store_failed, "gone")};
    CHECK_THROWS_WITH_AS(commit_and_update_cache(orders, process.cache, process.reporter), "gone",
                         Error);
    CHECK_FALSE(servers.values.get(k_all_orders));
    CHECK(servers.ledger.in_flight.empty());
    CHECK(process.script.times(Step::confirm) == 0);
}

TEST_CASE("an add stands though an unforeseen failure follows its commit") {
    Servers servers(k_orders);
    Process process(servers);
    process.script.before(Step::confirm, [] { throw std::bad_alloc(); });

    process.add(*k_customer.customer);
    CHECK(servers.orders(k_all_orders) == k_orders + 1);
    CHECK(process.reporter.warnings.size() == 1);
}

TEST_CASE("while a commit is in doubt nobody says what became of it") {
    Servers servers(k_orders);
    Process process(servers);
    servers.commits_hang = true;

    CHECK_THROWS_AS(process.add(*k_customer.customer), Error);
    CHECK(process.script.times(Step::confirm) == 0);
}

TEST_CASE("orders that may be anybody's drop every count") {
    Servers servers(k_orders);
    Process process(servers);
    Process reader(servers);
    reader.reader.counts({k_all_orders, k_customer, k_another_customer});
    reader.cache.claim(k_another_customer);

    Orders orders(servers, process.script, {*k_customer.customer}, std::nullopt);
    commit_and_update_cache(orders, process.cache, process.reporter);
    CHECK_FALSE(servers.was_stale());
    CHECK_FALSE(servers.values.get(k_all_orders));
    CHECK_FALSE(servers.values.get(k_another_customer));
    CHECK_FALSE(servers.is_claimed(k_another_customer));
    CHECK(process.reporter.notes == Lines{"Clearing all caches"});
}

TEST_CASE("the reporter tells how many counts a batch drops") {
    Servers servers(k_orders);
    Process process(servers);
    Orders orders(servers, process.script, {customer(7), customer(9999)},
                  std::vector<Scope>{k_all_orders, k_another_customer, k_customer});
    commit_and_update_cache(orders, process.cache, process.reporter);
    CHECK(process.reporter.notes == Lines{"Clearing caches for 3 keys"});
}

TEST_CASE("orders that do not count are committed, and the cache is left as it is") {
    Servers servers(k_orders);
    Process process(servers);
    process.reader.counts({k_all_orders, k_customer});
    Orders orders(servers, process.script, {}, std::vector<Scope>{});
    commit_and_update_cache(orders, process.cache, process.reporter);
    CHECK(process.script.times(Step::commit) == 1);
    CHECK(process.script.times(Step::enter) == 0);
    CHECK(process.script.times(Step::drop_value) == 0);
    CHECK(servers.values.get(k_all_orders) == k_orders);
}
