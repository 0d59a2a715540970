#pragma once

#include "base/error.hpp"
#include "cache_aside/cache_aside.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Redis and PostgreSQL as the protocol sees them, with a clock to turn, and processes that meet
/// there. One process is stopped before any of its steps, and others take theirs meanwhile.
namespace ordercache::fakes {

using std::chrono::milliseconds;

class Clock {
public:
    milliseconds now() const { return m_now; }
    void tick(milliseconds duration) { m_now += duration; }

private:
    milliseconds m_now{0};
};

/// Keys with an expiry.
template <typename Value>
class Expiring {
public:
    explicit Expiring(const Clock& clock) : m_clock(clock) {}

    void set(const Scope& scope, Value value, milliseconds lifetime) {
        m_entries.insert_or_assign(scope, Entry{value, m_clock.now() + lifetime});
    }

    std::optional<Value> get(const Scope& scope) const {
        const auto found = m_entries.find(scope);
        if (found == m_entries.end() || found->second.expiry <= m_clock.now()) {
            return std::nullopt;
        }
        return found->second.value;
    }

    /// Whether it was there.
    bool remove(const Scope& scope) {
        const bool existed = get(scope).has_value();
        m_entries.erase(scope);
        return existed;
    }

    /// Gives the number that were there.
    std::int64_t clear() {
        std::erase_if(m_entries, [&](const auto& entry) { return !get(entry.first); });
        return static_cast<std::int64_t>(std::exchange(m_entries, {}).size());
    }

private:
    struct Entry {
        Value value;
        milliseconds expiry;
    };

    const Clock& m_clock;
    std::map<Scope, Entry> m_entries;
};

/// What a transaction has locked; absent: the lock for all, which every probe heeds.
using Locks = std::optional<std::vector<Scope>>;

inline std::vector<Scope> scopes_of(CustomerId customer) {
    return {k_all_orders, Scope{customer}};
}

/// Both servers. Remembers whether a cached count ever was other than the count in PostgreSQL.
class Servers {
public:
    explicit Servers(std::int64_t orders) { m_orders[k_all_orders] = orders; }

    Clock clock;
    Expiring<std::int64_t> values{clock};
    Expiring<int> leases{clock};
    bool is_standby = false;
    bool commits_hang = false;

    int new_token() { return ++m_last_token; }

    void set_value(const Scope& scope, std::int64_t count, milliseconds lifetime) {
        values.set(scope, count, lifetime);
        m_was_stale |= is_stale(scope);
    }

    std::int64_t orders(const Scope& scope) const {
        const auto found = m_orders.find(scope);
        return found == m_orders.end() ? 0 : found->second;
    }

    /// Begins a transaction that inserts an order for each customer; gives its number.
    int begin(std::vector<CustomerId> customers, Locks locks) {
        m_in_flight.emplace(++m_last_transaction,
                            Transaction{std::move(customers), std::move(locks)});
        return m_last_transaction;
    }

    void roll_back(int transaction) { m_in_flight.erase(transaction); }

    /// Makes its orders visible, then lets go of its locks.
    void make_visible(int transaction) {
        for (const CustomerId customer : m_in_flight.at(transaction).customers) {
            for (const Scope& scope : scopes_of(customer)) {
                ++m_orders[scope];
                m_was_stale |= is_stale(scope);
            }
        }
        m_in_flight.erase(transaction);
    }

    /// The commits that hung become visible.
    void land_commits() {
        while (!m_in_flight.empty()) {
            make_visible(m_in_flight.begin()->first);
        }
    }

    bool is_locked(const Scope& scope) const {
        return std::ranges::any_of(m_in_flight, [&](const auto& entry) {
            const Locks& locks = entry.second.locks;
            return !locks || std::ranges::find(*locks, scope) != locks->end();
        });
    }

    bool is_stale(const Scope& scope) const {
        const auto cached = values.get(scope);
        return cached && *cached != orders(scope);
    }

    bool was_stale() const { return m_was_stale; }

private:
    struct Transaction {
        std::vector<CustomerId> customers;
        Locks locks;
    };

    std::map<Scope, std::int64_t> m_orders;
    std::map<int, Transaction> m_in_flight;
    int m_last_transaction = 0;
    int m_last_token = 0;
    bool m_was_stale = false;
};

/// What a process does. `connect` is to PostgreSQL; `look` the GET that follows the lease in an
/// acquire; `answer` the arrival of the count whose snapshot was taken.
enum class Step {
    get,
    connect,
    acquire,
    look,
    take,
    probe,
    snapshot,
    answer,
    renew,
    fill,
    release,
    drop_lease,
    drop_value,
    commit,
    pause,
};

/// The steps that a process took, and what others do before it takes one.
class Script {
public:
    using Act = std::function<void()>;

    /// Acts once, when the process is about to take the step for the next time.
    void before(Step step, Act act) { m_acts.emplace_back(step, std::move(act)); }

    /// Acts each time that the process is about to take any step.
    void before_each(Act act) { m_each = std::move(act); }

    void reach(Step step) {
        if (m_each) {
            m_each();
        }
        for (const Act& act : take_acts_before(step)) {
            act();
        }
        m_taken.push_back(step);
    }

    const std::vector<Step>& taken() const { return m_taken; }

    std::ptrdiff_t times(Step step) const { return std::ranges::count(m_taken, step); }

private:
    std::vector<Act> take_acts_before(Step step) {
        const auto later = [&](const auto& entry) { return entry.first != step; };
        const auto first = std::stable_partition(m_acts.begin(), m_acts.end(), later);
        std::vector<Act> due;
        std::for_each(first, m_acts.end(),
                      [&](auto& entry) { due.push_back(std::move(entry.second)); });
        m_acts.erase(first, m_acts.end());
        return due;
    }

    Act m_each;
    std::vector<std::pair<Step, Act>> m_acts;
    std::vector<Step> m_taken;
};

/// One process's connection to Redis, with a token of its own.
class Cache : public CountCache {
public:
    Cache(Servers& servers, Script& script)
        : m_servers(servers), m_script(script), m_token(servers.new_token()) {}

    /// Whether every command fails from here on.
    bool is_down = false;

    std::string key(const Scope& scope) const override {
        return scope.customer ? "num_orders:" + std::to_string(*scope.customer) : "num_orders:all";
    }

    std::vector<std::optional<std::int64_t>> get(const std::vector<Scope>& scopes) override {
        reach(Step::get);
        std::vector<std::optional<std::int64_t>> counts;
        counts.reserve(scopes.size());
        for (const Scope& scope : scopes) {
            counts.push_back(m_servers.values.get(scope));
        }
        return counts;
    }

    std::vector<Claim> acquire(const std::vector<Scope>& scopes) override {
        std::vector<Claim> claims;
        claims.reserve(scopes.size());
        for (const Scope& scope : scopes) {
            reach(Step::acquire);
            const bool leased = !m_servers.leases.get(scope);
            if (leased) {
                lease(scope);
            }
            reach(Step::look);
            claims.push_back({leased, m_servers.values.get(scope)});
        }
        return claims;
    }

    void take(const std::vector<Scope>& scopes) override {
        reach(Step::take);
        std::ranges::for_each(scopes, [&](const Scope& scope) { lease(scope); });
    }

    void renew(const std::vector<Scope>& scopes) override {
        reach(Step::renew);
        for (const Scope& scope : scopes) {
            if (is_ours(scope)) {
                lease(scope);
            }
        }
    }

    void release(const std::vector<Scope>& scopes) override {
        reach(Step::release);
        for (const Scope& scope : scopes) {
            if (is_ours(scope)) {
                m_servers.leases.remove(scope);
            }
        }
    }

    void fill(const Counts& counts) override {
        for (const auto& [scope, count] : counts) {
            reach(Step::fill);
            if (is_ours(scope)) {
                m_servers.leases.remove(scope);
                m_servers.set_value(scope, count, time_to_live());
            }
        }
    }

    std::int64_t drop(const std::vector<Scope>& scopes) override {
        std::int64_t dropped = 0;
        for (const Scope& scope : scopes) {
            reach(Step::drop_lease);
            m_servers.leases.remove(scope);
            reach(Step::drop_value);
            dropped += m_servers.values.remove(scope) ? 1 : 0;
        }
        return dropped;
    }

    std::int64_t drop_all() override {
        reach(Step::drop_lease);
        m_servers.leases.clear();
        reach(Step::drop_value);
        return m_servers.values.clear();
    }

    std::chrono::seconds time_to_live() const override { return std::chrono::seconds{120}; }

    bool is_ours(const Scope& scope) const { return m_servers.leases.get(scope) == m_token; }

private:
    void reach(Step step) {
        m_script.reach(step);
        if (is_down) {
            throw CacheError("cannot reach Redis");
        }
    }

    void lease(const Scope& scope) { m_servers.leases.set(scope, m_token, k_lease_time); }

    Servers& m_servers;
    Script& m_script;
    int m_token;
};

/// One process's connection to PostgreSQL.
class Store : public OrderStore {
public:
    Store(Servers& servers, Script& script) : m_servers(servers), m_script(script) {}

    /// How long a count takes.
    milliseconds query_time{0};

    std::vector<Scope> writers_in_flight(const std::vector<Scope>& scopes, const Tick&) override {
        m_script.reach(Step::probe);
        std::vector<Scope> written;
        std::ranges::copy_if(scopes, std::back_inserter(written), [&](const Scope& scope) {
            return m_servers.is_standby || m_servers.is_locked(scope);
        });
        return written;
    }

    Counts count(const std::vector<Scope>& scopes, const Tick& tick) override {
        m_script.reach(Step::snapshot);
        Counts counts;
        for (const Scope& scope : scopes) {
            counts.emplace(scope, m_servers.orders(scope));
        }
        wait(tick);
        m_script.reach(Step::answer);
        return counts;
    }

private:
    void wait(const Tick& tick) {
        for (auto left = query_time; left > milliseconds{0}; left -= k_renewal_interval) {
            m_servers.clock.tick(std::min(left, k_renewal_interval));
            if (tick && left >= k_renewal_interval) {
                tick();
            }
        }
    }

    Servers& m_servers;
    Script& m_script;
};

/// Orders inserted, and their locks taken, by one process; rolled back if it ends before COMMIT.
class Orders : public PendingOrders {
public:
    Orders(Servers& servers, Script& script, std::vector<CustomerId> customers, Locks locks)
        : m_servers(servers), m_script(script), m_locks(std::move(locks)),
          m_transaction(servers.begin(std::move(customers), m_locks)) {}
    Orders(const Orders&) = delete;
    Orders& operator=(const Orders&) = delete;

    ~Orders() override {
        if (!m_is_commit_sent) {
            m_servers.roll_back(m_transaction);
        }
    }

    std::optional<std::vector<Scope>> changed() const override { return m_locks; }

    void commit() override {
        m_script.reach(Step::commit);
        m_is_commit_sent = true;
        if (m_servers.commits_hang) {
            throw Error(ExitStatus::look_first, "the connection broke during COMMIT");
        }
        m_servers.make_visible(m_transaction);
    }

private:
    Servers& m_servers;
    Script& m_script;
    Locks m_locks;
    int m_transaction;
    bool m_is_commit_sent = false;
};

class MemoryReporter : public Reporter {
public:
    std::vector<std::string> notes;
    std::vector<std::string> warnings;

    void warn(const std::string& line) override { warnings.push_back(line); }

private:
    bool is_verbose() const override { return true; }
    void write_note(const std::string& line) override { notes.push_back(line); }
};

/// One run of the program.
class Process {
public:
    explicit Process(Servers& servers, milliseconds patience = std::chrono::seconds{10})
        : cache(servers, script), store(servers, script),
          cache_aside(
              cache, [this]() -> OrderStore& { return connected_store(); }, reporter,
              [this](milliseconds pause) { let_pass(pause); }, patience),
          m_servers(servers) {}
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    Script script;
    Cache cache;
    Store store;
    MemoryReporter reporter;
    std::vector<milliseconds> pauses;
    CacheAside cache_aside;

    std::int64_t count(const Scope& scope = k_all_orders) {
        return cache_aside.counts({scope}).front();
    }

    std::int64_t refresh(const Scope& scope = k_all_orders) {
        return cache_aside.refresh({scope}).front();
    }

    void add(CustomerId customer) {
        Orders orders(m_servers, script, {customer}, scopes_of(customer));
        cache_aside.commit(orders);
    }

private:
    OrderStore& connected_store() {
        if (!std::exchange(m_is_connected, true)) {
            script.reach(Step::connect);
        }
        return store;
    }

    void let_pass(milliseconds pause) {
        script.reach(Step::pause);
        pauses.push_back(pause);
        m_servers.clock.tick(pause);
    }

    Servers& m_servers;
    bool m_is_connected = false;
};

} // namespace ordercache::fakes
