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
    const auto count = process.store.count({k_all_orders}, {}).counts.at(k_all_orders);
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
TransactionId plain_insert(Servers& servers) {
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
    SUBCASE("with the protocol, killed before it commits") {
        reader.count();
        for (const Step step : {Step::drop_lease, Step::drop_value, Step::enter, Step::commit}) {
            writer.script.before(step, [] { throw Killed{}; });
            CHECK_THROWS_AS(writer.add(k_customer), Killed);
            CHECK(reader.count() == k_before);
        }
        CHECK_FALSE(servers.was_stale());
    }
    SUBCASE("with the protocol, killed before it confirms") {
        reader.count();
        writer.script.before(Step::confirm, [] { throw Killed{}; });
        CHECK_THROWS_AS(writer.add(k_customer), Killed);
        CHECK(reader.count() == k_after);
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
        const TransactionId transaction = plain_insert(servers);
        plain_delete(servers);
        plain_count(reader, servers);
        servers.make_visible(transaction);
        CHECK(servers.is_stale(k_all_orders));
    }
    SUBCASE("with the protocol, wherever in the transaction") {
        for (const Step step : {Step::drop_lease, Step::drop_value, Step::enter, Step::commit}) {
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
        const TransactionId transaction = plain_insert(servers);
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
        servers.ledger = {};

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
    /// A read on a miss takes seven; an event before the eighth comes after the read.
    static constexpr std::size_t k_steps = 8;

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

constexpr Scope k_of_customer{k_customer};

Schedules::Read read(const Scope& scope) {
    return [scope](Process& process, Servers&) { process.count(scope); };
}

Schedules::Read read_anew(const Scope& scope) {
    return [scope](Process& process, Servers&) { process.refresh(scope); };
}

void read_plainly(Process& process, Servers& servers) {
    plain_count(process, servers);
}

void insert_and_lock(Servers& servers) {
    servers.begin({k_customer}, scopes_of(k_customer));
}

void insert_without_lock(Servers& servers) {
    plain_insert(servers);
}

void drop_lease(Servers& servers) {
    servers.leases.remove(k_of_customer);
}

void drop_value(Servers& servers) {
    servers.values.remove(k_of_customer);
}

void enter(Servers& servers) {
    LedgerSteps(servers).enter({.transaction = servers.last_transaction()}, 1);
}

void become_visible(Servers& servers) {
    servers.land_commits();
}

void confirm(Servers& servers) {
    LedgerSteps(servers).confirm(servers.last_transaction(), TransactionStatus::committed);
}

/// It does not wait for the reader that it interrupts.
template <typename Read>
Event another(Read read) {
    return [read](Servers& servers) {
        Process process(servers, 0ms);
        try {
            read(process, servers);
        } catch (const Error&) {
            return;
        }
    };
}

void another_adds(Servers& servers) {
    Process(servers).add(k_customer);
}

void time_passes(Servers& servers) {
    servers.clock.tick(k_lease_time + 1ms);
}

void everything_is_evicted(Servers& servers) {
    servers.leases.clear();
    servers.values.clear();
    servers.ledger = {};
}

void the_total_is_evicted(Servers& servers) {
    servers.values.remove(k_all_orders);
}

std::vector<Event> writer_of_customer() {
    return {insert_and_lock, drop_lease, drop_value, become_visible};
}

/// An add that comes between must not be taken for this one: it confirms by its own number.
std::vector<Event> writer_of_total() {
    return {insert_and_lock, enter, become_visible, confirm};
}

/// Each way for an accident to befall the writer.
std::vector<std::vector<Event>> with(const Event& accident, const std::vector<Event>& writer) {
    std::vector<std::vector<Event>> writers;
    for (std::size_t place = 0; place <= writer.size(); ++place) {
        auto events = writer;
        events.insert(events.begin() + static_cast<std::ptrdiff_t>(place), accident);
        writers.push_back(std::move(events));
    }
    return writers;
}

int stale_schedules_with(const Event& accident, const std::vector<Event>& writer,
                         const Schedules::Read& read) {
    int stale = 0;
    for (const auto& events : with(accident, writer)) {
        stale += Schedules(read, events).stale();
    }
    return stale;
}

} // namespace

TEST_CASE("no schedule of a reader, a writer and an accident leaves an old count") {
    const auto stale = [](const Scope& scope, const std::vector<Event>& writer) {
        int found = 0;
        for (const Event& accident :
             {another(read(scope)), another(read_anew(scope)), Event(time_passes),
              Event(everything_is_evicted), Event(the_total_is_evicted)}) {
            found += stale_schedules_with(accident, writer, read(scope));
            found += stale_schedules_with(accident, writer, read_anew(scope));
        }
        return found;
    };
    CHECK(stale(k_of_customer, writer_of_customer()) == 0);
    CHECK(stale(k_all_orders, writer_of_total()) == 0);
    CHECK(stale_schedules_with(another_adds, writer_of_customer(), read(k_of_customer)) == 0);
}

TEST_CASE("some schedule leaves an old customer's count where a part of the protocol is missing") {
    using Events = std::vector<Event>;
    const auto stale = [](const Events& writer) {
        return Schedules(read(k_of_customer), writer).stale();
    };
    CHECK(stale(Events{insert_without_lock, drop_lease, drop_value, become_visible}) > 0);
    CHECK(stale(Events{drop_lease, drop_value, insert_and_lock, become_visible}) > 0);
    CHECK(stale(Events{insert_and_lock, drop_value, drop_lease, become_visible}) > 0);
    CHECK(stale(Events{insert_and_lock, drop_value, become_visible}) > 0);
    CHECK(stale(Events{insert_and_lock, drop_lease, become_visible}) > 0);
}

TEST_CASE("some schedule leaves an old total where a part of the protocol is missing") {
    using Events = std::vector<Event>;
    const auto stale = [](const Events& writer) {
        return stale_schedules_with(everything_is_evicted, writer, read(k_all_orders));
    };
    CHECK(Schedules(read_plainly, writer_of_total()).stale() > 0);
    CHECK(stale(Events{insert_and_lock, become_visible, confirm}) > 0);
    CHECK(stale(Events{insert_and_lock, enter, confirm, become_visible}) > 0);
    CHECK(stale(Events{insert_without_lock, enter, become_visible, confirm}) > 0);
}
