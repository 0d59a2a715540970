#include "base/error.hpp"
#include "base/signals.hpp"
#include "cache_aside/cache_aside.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

using namespace ordercache;
using namespace ordercache::fakes;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;
using Steps = std::vector<Step>;

/// A count that is cached, right or wrong.
void cache_value(Servers& servers, const Scope& scope, std::int64_t count) {
    servers.values.set(scope, count, 120s);
}

/// A program that writes without the protocol.
void write_outside(Servers& servers, const CustomerId& customer) {
    servers.make_visible(servers.begin({customer}, std::vector<Scope>{}));
}

} // namespace

TEST_CASE("a hit is one GET and nothing else") {
    Servers servers(k_orders);
    Process process(servers);
    cache_value(servers, k_all_orders, 5);

    CHECK(process.count() == 5);
    CHECK(process.script.taken() == Steps{Step::get});
}

TEST_CASE("a cached 0 is a hit") {
    Servers servers(k_orders);
    Process process(servers);
    cache_value(servers, k_all_orders, 0);

    CHECK(process.count() == 0);
    CHECK(process.script.taken() == Steps{Step::get});
}

TEST_CASE("a miss connects, takes the right to count, probes, counts and fills, in this order") {
    Servers servers(k_orders);
    Process process(servers);

    CHECK(process.count() == k_orders);
    CHECK(process.script.taken() == Steps{Step::get, Step::connect, Step::acquire, Step::probe,
                                          Step::snapshot, Step::answer, Step::fill});
}

TEST_CASE("a count that missed is cached for its time to live, and its lease "
          "given up") {
    Servers servers(k_orders);
    Process process(servers);
    process.count();

    CHECK_FALSE(servers.is_claimed(k_all_orders));
    servers.clock.tick(120s - 1ms);
    CHECK(servers.values.get(k_all_orders) == k_orders);
    servers.clock.tick(1ms);
    CHECK_FALSE(servers.values.get(k_all_orders));
}

TEST_CASE("a customer without orders has a count of 0 that is cached") {
    Servers servers(k_orders);
    Process process(servers);

    CHECK(process.count(k_customer) == 0);
    CHECK(servers.values.get(k_customer) == 0);
}

TEST_CASE("counts come in the order asked, and one asked twice is answered twice") {
    Servers servers(k_orders);
    Process process(servers);
    cache_value(servers, k_customer, 2);

    const auto counts = process.reader.counts(
        {k_customer, k_all_orders, k_another_customer, k_all_orders, k_customer});
    CHECK(counts == std::vector<std::int64_t>{2, k_orders, 0, k_orders, 2});
    CHECK(std::ranges::count(process.reporter.notes, "Checking cache key num_orders:all") == 1);
    CHECK(process.script.times(Step::acquire) == 2);
    CHECK(process.script.times(Step::snapshot) == 1);
}

TEST_CASE("a count is answered and not cached while its writer is in flight") {
    Servers servers(k_orders);
    Process process(servers);
    servers.begin({*k_customer.customer}, scopes_of(*k_customer.customer));

    SUBCASE("on a miss") {
        CHECK(process.count() == k_orders);
    }
    SUBCASE("on a refresh") {
        CHECK(process.refresh() == k_orders);
    }
    CHECK_FALSE(servers.values.get(k_all_orders));
    CHECK_FALSE(servers.is_claimed(k_all_orders));
}

TEST_CASE("a writer of one customer's orders does not keep another's count "
          "from the cache") {
    Servers servers(k_orders);
    Process process(servers);
    servers.begin({*k_customer.customer}, scopes_of(*k_customer.customer));

    process.reader.counts({k_customer, k_another_customer});
    CHECK_FALSE(servers.values.get(k_customer));
    CHECK(servers.values.get(k_another_customer));
    CHECK_FALSE(servers.is_claimed(k_customer));
}

TEST_CASE("a batch in flight keeps every count from the cache") {
    Servers servers(k_orders);
    Process process(servers);
    servers.begin({*k_customer.customer}, std::nullopt);

    process.reader.counts({k_all_orders, k_another_customer});
    CHECK_FALSE(servers.values.get(k_all_orders));
    CHECK_FALSE(servers.values.get(k_another_customer));
}

TEST_CASE("a standby's count is answered and not cached") {
    Servers servers(k_orders);
    Process process(servers);
    servers.is_standby = true;

    CHECK(process.count() == k_orders);
    CHECK_FALSE(servers.values.get(k_all_orders));
    CHECK_FALSE(servers.is_claimed(k_all_orders));
}

TEST_CASE("a reader that lost its lease to another fills nothing and leaves "
          "the other's lease") {
    Servers servers(k_orders);
    Process process(servers);
    Process other(servers);
    const auto lose_lease_before = [&](Step step) {
        process.script.before(step, [&] {
            servers.clock.tick(k_lease_time + 1ms);
            other.cache.claim(k_all_orders);
        });
    };

    SUBCASE("where it fills") {
        lose_lease_before(Step::fill);
    }
    SUBCASE("where it shares") {
        servers.is_standby = true;
        lose_lease_before(Step::share);
    }
    CHECK(process.count() == k_orders);
    CHECK(other.cache.is_ours(k_all_orders));
    CHECK_FALSE(servers.values.get(k_all_orders));
}

TEST_CASE("a lease is renewed for as long as the query runs") {
    Servers servers(k_orders);
    Process process(servers);
    process.store.query_time = 60s;
    process.script.before(Step::answer, [&] { CHECK(process.cache.is_ours(k_all_orders)); });

    CHECK(process.count() == k_orders);
    CHECK(servers.values.get(k_all_orders) == k_orders);
}

TEST_CASE("a renewal that comes too late does not take the lease back") {
    Servers servers(k_orders);
    Process process(servers);
    Process other(servers);
    process.store.query_time = 600ms;
    process.script.before(Step::renew, [&] {
        servers.clock.tick(k_lease_time + 1ms);
        other.cache.claim(k_all_orders);
        write_outside(servers, customer(1));
    });

    CHECK(process.count() == k_orders);
    CHECK(other.cache.is_ours(k_all_orders));
    CHECK_FALSE(servers.values.get(k_all_orders));
}

TEST_CASE("a renewal does not bring back a lease that a drop took") {
    Servers servers(k_orders);
    Process process(servers);
    Process writer(servers);
    process.store.query_time = 600ms;
    process.script.before(Step::renew, [&] { writer.add(*k_customer.customer); });

    CHECK(process.count(k_customer) == 0);
    CHECK_FALSE(servers.was_stale());
    CHECK_FALSE(servers.is_claimed(k_customer));
    CHECK_FALSE(servers.values.get(k_customer));
}

TEST_CASE("a refresh computes anew and replaces the count") {
    Servers servers(k_orders);
    Process process(servers);
    cache_value(servers, k_all_orders, 5);

    CHECK(process.refresh() == k_orders);
    CHECK(servers.values.get(k_all_orders) == k_orders);
    CHECK_FALSE(servers.is_claimed(k_all_orders));
    CHECK(process.script.taken() == Steps{Step::connect, Step::acquire, Step::probe, Step::snapshot,
                                          Step::answer, Step::fill});
}

TEST_CASE("a refresh leaves the cached count until it fills") {
    Servers servers(k_orders);
    Process process(servers);
    Process other(servers);
    cache_value(servers, k_all_orders, 5);
    process.script.before(Step::fill, [&] { CHECK(other.count() == 5); });

    CHECK(process.refresh() == k_orders);
}

TEST_CASE("a refresh waits for a reader that had begun, and counts anew after it") {
    for (const Scope& scope : {k_all_orders, k_customer}) {
        Servers servers(k_orders);
        Process reader(servers);
        Process refresher(servers);
        reader.script.before(Step::answer, [&] {
            write_outside(servers, *k_customer.customer);
            refresher.script.before(Step::pause, [&] { reader.cache.release({scope}); });
            CHECK(refresher.refresh(scope) == servers.orders(scope));
        });

        reader.count(scope);
        CHECK(servers.values.get(scope) == servers.orders(scope));
        CHECK(refresher.script.times(Step::snapshot) == 1);
    }
}

TEST_CASE("a read that nobody vouches for is a refresh, for one count and for several") {
    Servers servers(k_orders);
    cache_value(servers, k_all_orders, 5);
    cache_value(servers, k_customer, 5);
    Process process(servers);
    process.cache.is_abandoned = true;
    CHECK(process.count() == k_orders);
    CHECK(process.reader.counts({k_customer, k_all_orders}) ==
          std::vector<std::int64_t>{0, k_orders});
    CHECK(servers.values.get(k_customer) == 0);
    CHECK(process.script.times(Step::snapshot) == 2);
}

TEST_CASE("a refresh takes the count of a reader that began after it, and of no earlier one") {
    for (const Scope& scope : {k_all_orders, k_customer}) {
        Servers servers(k_orders);
        Process early(servers);
        Process late(servers);
        Process process(servers);
        early.cache.claim(scope);
        process.script.before(Step::pause, [&] {
            early.cache.share(scope, 1);
            late.cache.claim(scope);
            process.script.before(Step::pause, [&] { late.cache.share(scope, 2); });
        });

        CHECK(process.refresh(scope) == 2);
        CHECK(process.script.times(Step::snapshot) == 0);
    }
}

TEST_CASE("a count that may not be cached is shared with a reader that asked before it began") {
    for (const Scope& scope : {k_all_orders, k_customer}) {
        Servers servers(k_orders);
        servers.is_standby = true;
        Process first(servers);
        Process second(servers);
        Process third(servers);
        first.cache.claim(scope);
        second.script.before(Step::pause, [&] {
            third.script.before(Step::pause, [&] { first.cache.share(scope, 1); });
            CHECK(third.count(scope) == servers.orders(scope));
        });

        CHECK(second.count(scope) == servers.orders(scope));
        CHECK(second.script.times(Step::snapshot) == 0);
        CHECK(second.reporter.notes.back().starts_with("Taking another process's count for "));
        CHECK(third.script.times(Step::snapshot) == 1);
        CHECK_FALSE(servers.values.get(scope));
    }
}

TEST_CASE("a list's counts that may not be cached are not shared") {
    Servers servers(k_orders);
    servers.is_standby = true;
    Process process(servers);
    process.reader.counts({k_customer, k_another_customer});
    CHECK(process.script.taken().back() == Step::release);
}

TEST_CASE(
    "a total that has seen writers in the ledger is stored if PostgreSQL did not crash since") {
    for (const bool has_run : {true, false}) {
        Servers servers(k_orders);
        Process process(servers);
        process.store.has_run = has_run;
        process.cache.has_seen_writers = true;

        CHECK(process.count() == k_orders);
        CHECK(servers.values.get(k_all_orders).has_value() == has_run);
        CHECK_FALSE(servers.is_claimed(k_all_orders));
    }
}

TEST_CASE("a holder that was killed is replaced when its lease expires") {
    Servers servers(k_orders);
    Process killed(servers);
    Process process(servers);
    killed.cache.claim(k_all_orders);
    const auto start = servers.clock.now();

    CHECK(process.count() == k_orders);
    CHECK(servers.values.get(k_all_orders) == k_orders);
    CHECK(servers.clock.now() - start >= k_lease_time);
    CHECK(servers.clock.now() - start <= k_lease_time + 200ms);
}

TEST_CASE("a reader waits with growing pauses for the value of the lease's holder") {
    Servers servers(k_orders);
    Process process(servers);
    servers.leases.set(k_customer, servers.new_token(), 300ms);

    CHECK(process.count(k_customer) == 0);
    const std::vector<milliseconds> expected = {2ms, 4ms, 8ms, 16ms, 32ms, 64ms, 100ms, 100ms};
    CHECK(process.pauses == expected);
}

TEST_CASE("a reader that waited is answered by the holder's fill, not by a "
          "query of its own") {
    Servers servers(k_orders);
    Process holder(servers);
    Process process(servers);
    holder.cache.claim(k_customer);
    process.script.before(Step::pause, [&] { holder.cache.fill({{k_customer, 3}}); });

    CHECK(process.count(k_customer) == 3);
    CHECK(process.script.times(Step::snapshot) == 0);
    CHECK_FALSE(servers.is_claimed(k_customer));
}

TEST_CASE("a reader whose time is up says that another one is still counting") {
    Servers servers(k_orders);
    Process holder(servers);
    Process process(servers, TimeLimit::whole(250ms));
    holder.cache.claim(k_all_orders);

    const auto begin = std::chrono::steady_clock::now();
    CHECK_THROWS_WITH_AS(process.count(),
                         "timed out waiting for num_orders:all: another process is still counting "
                         "in PostgreSQL; use a longer --timeout",
                         Error);
    CHECK(process.script.times(Step::snapshot) == 0);
    CHECK(holder.cache.is_ours(k_all_orders));
    CHECK(std::chrono::steady_clock::now() - begin >= 250ms);
    CHECK(servers.clock.now() <= 350ms);
}

TEST_CASE("a reader whose time is up says that orders are still being added") {
    Servers servers(k_orders);
    Process process(servers, TimeLimit::whole(250ms));
    Process writer(servers);
    Process reader(servers);
    reader.count();
    servers.commits_hang = true;
    CHECK_THROWS_AS(writer.add(*k_customer.customer), Error);

    CHECK_THROWS_WITH_AS(
        process.count(),
        "timed out waiting for num_orders:all: orders are still being added; use a "
        "longer --timeout",
        Error);
}

TEST_CASE("a value filled between GET and acquire is a hit") {
    Servers servers(k_orders);
    Process process(servers);
    Process other(servers);
    process.script.before(Step::acquire, [&] { other.count(); });

    CHECK(process.count() == k_orders);
    CHECK(process.script.times(Step::snapshot) == 0);
    CHECK_FALSE(servers.is_claimed(k_all_orders));
}

TEST_CASE("a batch fills its own counts before it waits for another's") {
    Servers servers(k_orders);
    Process holder(servers);
    Process process(servers);
    cache_value(servers, k_all_orders, k_orders);
    holder.cache.claim(k_customer);
    process.script.before(Step::pause, [&] {
        CHECK(servers.values.get(k_another_customer) == 0);
        CHECK_FALSE(servers.is_claimed(k_another_customer));
        holder.cache.fill({{k_customer, 3}});
    });

    const auto counts =
        process.reader.counts({k_customer, k_another_customer, k_all_orders, k_customer});
    CHECK(counts == std::vector<std::int64_t>{3, 0, k_orders, 3});
    CHECK(process.pauses.size() == 1);
}

TEST_CASE("count answers from PostgreSQL, with one warning, when the cache fails") {
    Servers servers(k_orders);
    Process process(servers);
    Process holder(servers);
    const auto fail_at = [&](Step step) {
        process.script.before(step, [&] { process.cache.is_down = true; });
    };

    SUBCASE("at the look-up") {
        fail_at(Step::get);
        CHECK(process.count() == k_orders);
        CHECK(process.reporter.warnings == Lines{"cannot reach Redis; PostgreSQL answers"});
    }
    SUBCASE("at the lease") {
        fail_at(Step::acquire);
        CHECK(process.count() == k_orders);
    }
    SUBCASE("while another's value is waited for") {
        holder.cache.claim(k_all_orders);
        fail_at(Step::pause);
        CHECK(process.count() == k_orders);
    }
    SUBCASE("at a refresh's lease") {
        fail_at(Step::acquire);
        CHECK(process.refresh() == k_orders);
    }
    SUBCASE("at a renewal") {
        process.store.query_time = 3s;
        fail_at(Step::renew);
        CHECK(process.count() == k_orders);
        CHECK(process.script.taken().back() == Step::answer);
    }
    SUBCASE("at a renewal, on a standby") {
        servers.is_standby = true;
        process.store.query_time = 3s;
        fail_at(Step::renew);
        CHECK(process.count() == k_orders);
        CHECK(process.script.taken().back() == Step::answer);
    }
    SUBCASE("at the fill") {
        fail_at(Step::fill);
        CHECK(process.count() == k_orders);
        CHECK(process.reporter.warnings == Lines{"cannot reach Redis; going on without it"});
    }
    SUBCASE("at the fill, with another's value yet to come") {
        holder.cache.claim(k_customer);
        fail_at(Step::fill);
        CHECK(process.reader.counts({k_all_orders, k_customer}) ==
              std::vector<std::int64_t>{k_orders, 0});
        CHECK(process.pauses.empty());
    }
    SUBCASE("at the release of a count that a writer is changing") {
        servers.is_standby = true;
        fail_at(Step::share);
        CHECK(process.count() == k_orders);
    }
    CHECK(process.reporter.warnings.size() == 1);
}

TEST_CASE("a cache that failed is asked again, and warned of each time that it goes") {
    Servers servers(k_orders);
    Process process(servers);
    for (const std::size_t times_gone : {1U, 2U}) {
        process.cache.is_down = true;
        CHECK(process.count() == k_orders);
        CHECK(process.refresh() == k_orders);
        CHECK(process.reporter.warnings.size() == times_gone);
        process.cache.is_down = false;
        servers.set_value(k_all_orders, 7, 120s);
        CHECK(process.count() == 7);
        CHECK(process.reporter.warnings.size() == times_gone);
    }
}

TEST_CASE("a cache that fails during a question is left alone until the next") {
    Servers servers(k_orders);
    Process process(servers);
    process.script.before(Step::fill, [&] { process.cache.is_down = true; });
    CHECK(process.count() == k_orders);
    CHECK(process.script.times(Step::share) == 0);
}

TEST_CASE("the reporter does not call a count cached that the cache did not take") {
    for (const Scope& scope : {k_all_orders, k_customer}) {
        Servers servers(k_orders);
        Process process(servers);
        process.script.before(Step::fill, [&] { process.cache.is_down = true; });
        process.count(scope);
        CHECK(process.reporter.notes.back().starts_with("Looking up"));
        CHECK(process.reporter.warnings.size() == 1);
    }
}

TEST_CASE("leases are given up when PostgreSQL fails or a signal ends the query") {
    for (const Step step : {Step::probe, Step::snapshot, Step::answer}) {
        Servers servers(k_orders);
        Process process(servers);

        process.script.before(step, [] { throw Error(ErrorKind::store_failed, "no answer"); });
        CHECK_THROWS_WITH_AS(process.count(), "no answer", Error);
        CHECK_FALSE(servers.is_claimed(k_all_orders));

        process.script.before(step, [] { throw Interrupted{SIGTERM}; });
        CHECK_THROWS_AS(process.refresh(), Interrupted);
        CHECK_FALSE(servers.is_claimed(k_all_orders));

        CHECK(process.reporter.warnings.empty());
    }
}

TEST_CASE("a signal that comes while a lease is given up ends the count") {
    Servers servers(k_orders);
    Process process(servers);
    servers.is_standby = true;
    process.script.before(Step::share, [] { throw Interrupted{SIGTERM}; });
    CHECK_THROWS_AS(process.count(), Interrupted);
}

TEST_CASE("a signal that ends the query comes through, though its leases "
          "cannot be given up") {
    Servers servers(k_orders);
    Process process(servers);
    process.script.before(Step::answer, [&] {
        process.cache.is_down = true;
        throw Interrupted{SIGTERM};
    });

    CHECK_THROWS_AS(process.count(), Interrupted);
    CHECK(process.script.times(Step::release) == 1);
}

TEST_CASE("a miss without PostgreSQL takes no lease") {
    Servers servers(k_orders);
    Process process(servers);
    process.script.before(Step::connect, [] { throw Error(ErrorKind::store_failed, "refused"); });

    CHECK_THROWS_AS(process.count(), Error);
    CHECK(process.script.times(Step::acquire) == 0);
}

TEST_CASE("a total is not stored where the locks hide whose they are") {
    Servers servers(k_orders);
    Process process(servers);
    servers.hides_transactions = true;
    servers.begin({*k_customer.customer}, scopes_of(*k_customer.customer));

    CHECK(process.count() == k_orders);
    CHECK_FALSE(servers.values.get(k_all_orders));
    CHECK_FALSE(servers.is_claimed(k_all_orders));
}

TEST_CASE("a count that a standby took is not stored though a primary was probed") {
    for (const Scope& scope : {k_all_orders, k_customer}) {
        Servers servers(k_orders);
        Process process(servers);
        servers.counts_on_standby = true;

        process.count(scope);
        CHECK_FALSE(servers.values.get(scope));
        CHECK_FALSE(servers.is_claimed(scope));
    }
}

TEST_CASE("who waits for a dead writer asks PostgreSQL, and counts nothing") {
    Servers servers(k_orders);
    Process process(servers);
    Process writer(servers);
    Process reader(servers);
    reader.count();
    bool is_committed = false;
    SUBCASE("that committed") {
        writer.script.before(Step::confirm, [] { throw Interrupted{SIGKILL}; });
        is_committed = true;
    }
    SUBCASE("that did not") {
        writer.script.before(Step::commit, [] { throw Interrupted{SIGKILL}; });
    }
    CHECK_THROWS_AS(writer.add(*k_customer.customer), Interrupted);

    CHECK(process.count() == k_orders + (is_committed ? 1 : 0));
    CHECK(process.script.times(Step::snapshot) == 0);
    CHECK(servers.clock.now() <= 300ms);
    CHECK_FALSE(servers.was_stale());
}

TEST_CASE("nobody settles for a writer whose commit hangs") {
    Servers servers(k_orders);
    Process process(servers);
    Process writer(servers);
    Process reader(servers);
    reader.count();
    servers.commits_hang = true;
    CHECK_THROWS_AS(writer.add(*k_customer.customer), Error);

    CHECK(process.count() == k_orders);
    CHECK(process.script.times(Step::status) > 0);
    CHECK_FALSE(servers.values.get(k_all_orders));
    servers.land_commits();
    CHECK_FALSE(servers.was_stale());
}

TEST_CASE("a waiting reader goes on waiting where PostgreSQL does not tell") {
    Servers servers(k_orders);
    Process process(servers);
    Process writer(servers);
    Process reader(servers);
    reader.count();
    writer.script.before(Step::confirm, [] { throw Interrupted{SIGKILL}; });
    CHECK_THROWS_AS(writer.add(*k_customer.customer), Interrupted);
    process.script.before(Step::status, [] { throw Error(ErrorKind::store_failed, "no"); });

    CHECK(process.count() == k_orders + 1);
    CHECK(process.reporter.warnings.empty());
}

namespace {

constexpr std::int64_t k_fills = 6000;
constexpr int k_fills_before_first_pass = 2000;
constexpr int k_fills_before_second_pass = 4000;

/// Plays one reader's fills of old counts, all in flight, against the two
/// passes of an invalidate. Gives the number of old counts that stay.
template <typename Pass>
std::int64_t old_counts_after(Pass first_pass, Pass second_pass) {
    Servers servers(k_orders);
    Process reader(servers);
    std::vector<Scope> customers;
    for (std::int64_t number = 1; number <= k_fills; ++number) {
        customers.push_back(customer_scope(number));
    }
    reader.script.before(Step::answer, [&] {
        for (const Scope& scope : customers) {
            write_outside(servers, *scope.customer);
        }
    });
    reader.script.before_each([&] {
        if (const auto filled = reader.script.times(Step::fill);
            filled == k_fills_before_first_pass) {
            first_pass(servers);
        } else if (filled == k_fills_before_second_pass) {
            second_pass(servers);
        }
    });
    reader.reader.counts(customers);
    return std::ranges::count_if(customers,
                                 [&](const Scope& scope) { return servers.is_stale(scope); });
}

void drop_leases(Servers& servers) {
    servers.leases.clear();
}

void drop_values(Servers& servers) {
    servers.values.clear();
}

} // namespace

TEST_CASE("an invalidate of leases, then values, leaves none of 6,000 fills in "
          "flight") {
    CHECK(old_counts_after(drop_leases, drop_values) == 0);
    CHECK(old_counts_after(drop_values, drop_leases) ==
          k_fills_before_second_pass - k_fills_before_first_pass);
}

TEST_CASE("the reporter tells of a miss, a hit and an add in the contract's words") {
    Servers servers(k_orders);

    Process miss(servers);
    miss.count();
    CHECK(miss.reporter.notes == Lines{"Checking cache key num_orders:all", "Looking up all orders",
                                       "Caching num_orders:all, value is 12000, for 120 s"});
    Process hit(servers);
    hit.count();
    CHECK(hit.reporter.notes ==
          Lines{"Checking cache key num_orders:all", "Found num_orders:all, value is 12000"});
    Process refresh(servers);
    refresh.refresh(k_customer);
    CHECK(refresh.reporter.notes == Lines{"Looking up orders for customer 9999",
                                          "Caching num_orders:9999, value is 0, for 120 s"});
    Process add(servers);
    add.add(customer(9999));
    CHECK(add.reporter.notes == Lines{"Clearing caches for num_orders:all and num_orders:9999"});

    for (const Process* process : {&miss, &hit, &refresh, &add}) {
        CHECK(process->reporter.warnings.empty());
    }
}

TEST_CASE("the reporter says that a count is not cached, and why") {
    for (const Scope& scope : {k_all_orders, k_customer}) {
        Servers servers(k_orders);
        Process process(servers);
        std::string why;
        SUBCASE("a standby answers") {
            servers.is_standby = true;
            why = "this PostgreSQL is a standby, whose counts may lag";
        }
        SUBCASE("another server than the probe's, a standby, answers") {
            servers.counts_on_standby = true;
            why = "this PostgreSQL is a standby, whose counts may lag";
        }
        SUBCASE("a writer holds its lock") {
            servers.begin({*k_customer.customer}, scopes_of(*k_customer.customer));
            why = "a write may be in flight";
        }
        SUBCASE("its lease was dropped") {
            process.script.before(Step::fill, [&] { servers.leases.clear(); });
            why = "it may have changed meanwhile";
        }
        process.count(scope);
        CHECK(process.reporter.notes.back() ==
              "Not caching " + process.cache.key(scope) + ": " + why);
        CHECK_FALSE(servers.values.get(scope));
    }
}
