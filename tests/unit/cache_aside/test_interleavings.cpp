#include "cache_aside/cache_aside.hpp"
#include "fakes.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

// A writer W adds an order while a reader R counts. Each interleaving is played on a plain
// cache-aside program first, that ends with an old count in the cache, and then on the protocol.

using namespace ordercache;
using namespace ordercache::fakes;
using namespace std::chrono_literals;

namespace {

constexpr CustomerId k_customer = 9999;
constexpr std::int64_t k_before = 12000;
constexpr std::int64_t k_after = 12001;

struct Killed {};

/// GET; on a miss SELECT and SET.
std::int64_t plain_count(Process& process, Servers& servers) {
    if (const auto value = process.cache.get({k_all_orders}).front()) {
        return *value;
    }
    const auto count = process.store.count({k_all_orders}, {}).at(k_all_orders);
    process.script.reach(Step::fill);
    servers.set_value(k_all_orders, count, process.cache.time_to_live());
    return count;
}

void plain_delete(Servers& servers) {
    for (const Scope& scope : scopes_of(k_customer)) {
        servers.values.remove(scope);
    }
}

/// A transaction that takes no lock.
int plain_insert(Servers& servers) {
    return servers.begin({k_customer}, std::vector<Scope>{});
}

void plain_write(Servers& servers) {
    servers.make_visible(plain_insert(servers));
}

} // namespace

TEST_CASE("A: a reader between a delete and the write leaves no old count") {
    Servers servers(k_before);
    Process reader(servers);
    Process writer(servers);

    SUBCASE("but in a plain cache-aside") {
        plain_delete(servers);
        plain_count(reader, servers);
        plain_write(servers);
        CHECK(servers.is_stale(k_all_orders));
    }
    SUBCASE("with the protocol") {
        writer.script.before(Step::commit, [&] { CHECK(reader.count() == k_before); });
        writer.add(k_customer);
        CHECK_FALSE(servers.was_stale());
        CHECK(reader.count() == k_after);
    }
}

TEST_CASE("B: a reader that pauses over a write and its delete leaves no old count") {
    Servers servers(k_before);
    Process reader(servers);
    Process writer(servers);

    SUBCASE("but in a plain cache-aside") {
        reader.script.before(Step::fill, [&] {
            plain_write(servers);
            plain_delete(servers);
        });
        plain_count(reader, servers);
        CHECK(servers.is_stale(k_all_orders));
    }
    SUBCASE("with the protocol") {
        reader.script.before(Step::fill, [&] { writer.add(k_customer); });
        CHECK(reader.count() == k_before);
        CHECK_FALSE(servers.was_stale());
        CHECK(reader.count() == k_after);
    }
}

TEST_CASE("C: a writer that is killed leaves no old count") {
    Servers servers(k_before);
    Process reader(servers);
    Process writer(servers);

    SUBCASE("but in a plain cache-aside, killed between its commit and its delete") {
        plain_count(reader, servers);
        plain_write(servers);
        CHECK(servers.is_stale(k_all_orders));
    }
    SUBCASE("with the protocol, killed before, within or after the drop") {
        reader.count();
        for (const Step step : {Step::drop_lease, Step::drop_value, Step::commit}) {
            writer.script.before(step, [] { throw Killed{}; });
            CHECK_THROWS_AS(writer.add(k_customer), Killed);
            CHECK(reader.count() == k_before);
        }
        CHECK_FALSE(servers.was_stale());
    }
    SUBCASE("with the protocol, killed once COMMIT was sent") {
        reader.count();
        servers.commits_hang = true;
        CHECK_THROWS_AS(writer.add(k_customer), Error);
        CHECK(reader.count() == k_before);
        servers.land_commits();
        CHECK_FALSE(servers.was_stale());
        CHECK(reader.count() == k_after);
    }
}

TEST_CASE(
    "D: a reader between a delete inside the transaction and its commit leaves no old count") {
    Servers servers(k_before);
    Process reader(servers);
    Process writer(servers);

    SUBCASE("but in a plain cache-aside") {
        const int transaction = plain_insert(servers);
        plain_delete(servers);
        plain_count(reader, servers);
        servers.make_visible(transaction);
        CHECK(servers.is_stale(k_all_orders));
    }
    SUBCASE("with the protocol, wherever in the transaction") {
        for (const Step step : {Step::drop_lease, Step::drop_value, Step::commit}) {
            const auto count = servers.orders(k_all_orders);
            writer.script.before(step, [&] { CHECK(reader.count() == count); });
            writer.add(k_customer);
            CHECK(reader.count() == count + 1);
        }
        CHECK_FALSE(servers.was_stale());
    }
}

TEST_CASE("E: a reader that stalls for longer than any pause leaves no old count") {
    Servers servers(k_before);
    Process reader(servers);
    Process writer(servers);

    SUBCASE("but in a plain cache-aside that deletes twice") {
        reader.script.before(Step::fill, [&] {
            plain_delete(servers);
            plain_write(servers);
            servers.clock.tick(10s);
            plain_delete(servers);
        });
        plain_count(reader, servers);
        CHECK(servers.is_stale(k_all_orders));
    }
    SUBCASE("with the protocol") {
        reader.script.before(Step::fill, [&] {
            writer.add(k_customer);
            servers.clock.tick(1h);
        });
        CHECK(reader.count() == k_before);
        CHECK_FALSE(servers.was_stale());
        CHECK(reader.count() == k_after);
    }
}

TEST_CASE("F: a commit that outlives all that Redis remembers of it leaves no old count") {
    Servers servers(k_before);
    Process reader(servers);
    Process writer(servers);

    SUBCASE("but in a plain cache-aside that sets a flag while it writes") {
        const Scope flag{1};
        servers.values.set(flag, 1, 60s);
        const int transaction = plain_insert(servers);
        plain_delete(servers);
        servers.clock.tick(61s);
        REQUIRE_FALSE(servers.values.get(flag));
        plain_count(reader, servers);
        servers.make_visible(transaction);
        CHECK(servers.is_stale(k_all_orders));
    }
    SUBCASE("with the protocol") {
        servers.commits_hang = true;
        CHECK_THROWS_AS(writer.add(k_customer), Error);
        servers.clock.tick(1h);
        servers.leases.clear();
        servers.values.clear();

        CHECK(reader.count() == k_before);
        CHECK(reader.count() == k_before);
        CHECK_FALSE(servers.values.get(k_all_orders));

        servers.land_commits();
        CHECK_FALSE(servers.was_stale());
        CHECK(reader.count() == k_after);
    }
}

namespace {

/// What may happen during a read.
using Event = std::function<void(Servers&)>;

/// Every way to spread events, in their order, over the steps of a read.
class Schedules {
public:
    using Read = std::function<void(Process&, Servers&)>;

    Schedules(Read read, std::vector<Event> events)
        : m_read(std::move(read)), m_events(std::move(events)) {}

    /// The number of ways on which a cached count was wrong at any moment.
    int stale() {
        m_stale = 0;
        spread(0);
        return m_stale;
    }

private:
    /// A read on a miss takes eight; an event before the ninth comes after the read.
    static constexpr std::size_t k_steps = 9;

    void spread(std::size_t first_step) {
        if (m_moments.size() == m_events.size()) {
            play();
            return;
        }
        for (std::size_t step = first_step; step < k_steps; ++step) {
            m_moments.push_back(step);
            spread(step);
            m_moments.pop_back();
        }
    }

    void play() {
        Servers servers(k_before);
        Process reader(servers);
        std::size_t next = 0;
        reader.script.before_each([&] {
            while (next < m_events.size() && m_moments[next] <= reader.script.taken().size()) {
                m_events[next++](servers);
            }
        });
        m_read(reader, servers);
        while (next < m_events.size()) {
            m_events[next++](servers);
        }
        m_stale += servers.was_stale() ? 1 : 0;
    }

    Read m_read;
    std::vector<Event> m_events;
    std::vector<std::size_t> m_moments;
    int m_stale = 0;
};

void read(Process& process, Servers&) {
    process.count();
}

void read_anew(Process& process, Servers&) {
    process.refresh();
}

void insert_and_lock(Servers& servers) {
    servers.begin({k_customer}, scopes_of(k_customer));
}

void drop_leases(Servers& servers) {
    for (const Scope& scope : scopes_of(k_customer)) {
        servers.leases.remove(scope);
    }
}

void drop_values(Servers& servers) {
    plain_delete(servers);
}

void commit(Servers& servers) {
    servers.land_commits();
}

void insert_without_lock(Servers& servers) {
    plain_insert(servers);
}

void another_reads(Servers& servers) {
    Process(servers, 0s).count();
}

void another_reads_anew(Servers& servers) {
    Process(servers, 0s).refresh();
}

void another_adds(Servers& servers) {
    Process(servers).add(k_customer);
}

void leases_expire(Servers& servers) {
    servers.clock.tick(k_lease_time);
}

void everything_is_evicted(Servers& servers) {
    servers.leases.clear();
    servers.values.clear();
}

std::vector<Event> writer() {
    return {insert_and_lock, drop_leases, drop_values, commit};
}

/// Each way for an accident to befall the writer.
std::vector<std::vector<Event>> writers_with(const Event& accident) {
    std::vector<std::vector<Event>> writers;
    for (std::size_t place = 0; place <= writer().size(); ++place) {
        auto events = writer();
        events.insert(events.begin() + static_cast<std::ptrdiff_t>(place), accident);
        writers.push_back(std::move(events));
    }
    return writers;
}

} // namespace

TEST_CASE("no schedule of a reader, a writer and an accident leaves an old count") {
    for (const Event accident :
         {another_reads, another_reads_anew, another_adds, leases_expire, everything_is_evicted}) {
        for (const auto& events : writers_with(accident)) {
            CHECK(Schedules(read, events).stale() == 0);
            CHECK(Schedules(read_anew, events).stale() == 0);
        }
    }
}

TEST_CASE("some schedule leaves an old count where a part of the protocol is missing") {
    CHECK(Schedules(plain_count, writer()).stale() > 0);
    CHECK(Schedules(read, {insert_without_lock, drop_leases, drop_values, commit}).stale() > 0);
    CHECK(Schedules(read, {drop_leases, drop_values, insert_and_lock, commit}).stale() > 0);
    CHECK(Schedules(read, {insert_and_lock, drop_values, drop_leases, commit}).stale() > 0);
    CHECK(Schedules(read, {insert_and_lock, drop_values, commit}).stale() > 0);
    CHECK(Schedules(read, {insert_and_lock, drop_leases, commit}).stale() > 0);
}
