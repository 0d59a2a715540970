#pragma once

#include "base/error.hpp"
#include "cache_aside/cache_aside.hpp"
#include "fake_ledger.hpp"
#include "fake_servers.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Processes that meet at the fake servers. One is stopped before any of its steps, and others take
/// theirs meanwhile.
namespace ordercache::fakes {

/// What a process does. `connect` is to PostgreSQL; `answer` the arrival of the count whose
/// snapshot was taken; `enter` and `confirm` a writer's steps in the total's ledger.
enum class Step {
    get,
    look,
    connect,
    acquire,
    probe,
    snapshot,
    answer,
    renew,
    fill,
    release,
    drop_lease,
    drop_value,
    enter,
    commit,
    confirm,
    apply_external,
    status,
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
        : m_servers(servers), m_script(script), m_ledger(servers) {}

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

    /// Whose values are no counts.
    std::set<Scope> garbled;

    std::vector<std::optional<CachedValue>> values(const std::vector<Scope>& scopes) override {
        reach(Step::look);
        std::vector<std::optional<CachedValue>> values;
        values.reserve(scopes.size());
        for (const Scope& scope : scopes) {
            const auto count = m_servers.values.get(scope);
            values.push_back(garbled.contains(scope) ? std::optional(CachedValue{})
                             : count                 ? std::optional(CachedValue{count})
                                                     : std::nullopt);
        }
        return values;
    }

    std::vector<Scope> cached_scopes() override { return m_servers.values.scopes(); }

    bool has_ledger() override { return m_servers.ledger.is_there(); }

    std::vector<Claim> acquire(const std::vector<Scope>& scopes,
                               const Freshness& freshness = {}) override {
        m_token = m_servers.new_token();
        std::vector<Claim> claims;
        claims.reserve(scopes.size());
        for (const Scope& scope : scopes) {
            reach(Step::acquire);
            claims.push_back(scope.customer ? acquire_lease(scope, freshness)
                                            : m_ledger.acquire(m_token, freshness));
        }
        return claims;
    }

    void renew(const std::vector<Scope>& scopes) override {
        reach(Step::renew);
        for (const Scope& scope : scopes) {
            if (!scope.customer) {
                m_ledger.renew(m_token);
            } else if (is_ours(scope)) {
                lease(scope);
            }
        }
    }

    void release(const std::vector<Scope>& scopes) override {
        reach(Step::release);
        for (const Scope& scope : scopes) {
            if (!scope.customer) {
                m_ledger.release(m_token);
            } else if (is_ours(scope)) {
                m_servers.leases.remove(scope);
            }
        }
    }

    void fill(const Counts& customers) override {
        for (const auto& [scope, count] : customers) {
            reach(Step::fill);
            if (is_ours(scope)) {
                m_servers.leases.remove(scope);
                m_servers.set_value(scope, count, time_to_live());
            }
        }
    }

    bool fill_total(std::int64_t count, const std::string& snapshot,
                    const std::vector<std::uint32_t>& writers,
                    const std::function<bool()>& has_run) override {
        reach(Step::fill);
        if (m_ledger.has_entries_in(snapshot) && !has_run()) {
            return false;
        }
        return m_ledger.fill(m_token, count, time_to_live(), snapshot, writers);
    }

    /// Whether it has no memory for an entry.
    bool is_full = false;

    bool begin_write(const WriteId& write, std::int64_t orders,
                     const std::vector<Scope>& customers) override {
        drop(customers);
        reach(Step::enter);
        if (is_full) {
            m_ledger.drop();
            return false;
        }
        m_ledger.enter(write, orders);
        return true;
    }

    void end_write(const WriteId& write, TransactionStatus status) override {
        reach(Step::confirm);
        m_ledger.confirm(write.transaction, status);
    }

    void apply_external(const std::vector<TransactionDelta>& others) override {
        reach(Step::apply_external);
        for (const TransactionDelta& other : others) {
            m_ledger.apply_external(other);
        }
    }

    std::int64_t drop(const std::vector<Scope>& scopes) override {
        std::int64_t dropped = 0;
        for (const Scope& scope : scopes) {
            if (!scope.customer) {
                reach(Step::drop_value);
                dropped += m_ledger.drop();
                continue;
            }
            reach(Step::drop_lease);
            m_servers.leases.remove(scope);
            reach(Step::drop_value);
            dropped += m_servers.values.remove(scope) ? 1 : 0;
        }
        return dropped;
    }

    std::int64_t drop_all() override {
        std::int64_t dropped = m_ledger.drop();
        reach(Step::drop_lease);
        m_servers.leases.clear();
        reach(Step::drop_value);
        return dropped + m_servers.values.clear();
    }

    std::chrono::seconds time_to_live() const override { return std::chrono::seconds{120}; }

    bool is_ours(const Scope& scope) const {
        return scope.customer ? m_servers.leases.get(scope) == m_token
                              : m_servers.ledger.reader == m_token;
    }

private:
    void reach(Step step) {
        m_script.reach(step);
        if (is_down) {
            throw CacheError("cannot reach Redis");
        }
    }

    Claim acquire_lease(const Scope& scope, const Freshness& freshness) {
        if (const auto count = m_servers.values.get(scope); count && !freshness.refresh) {
            return {.count = count};
        }
        if (const auto holder = m_servers.leases.get(scope)) {
            return {.holder = *holder};
        }
        lease(scope);
        return {.ours = true};
    }

    void lease(const Scope& scope) { m_servers.leases.set(scope, m_token, k_lease_time); }

    Servers& m_servers;
    Script& m_script;
    LedgerSteps m_ledger;
    std::string m_token;
};

/// One process's connection to PostgreSQL.
class Store : public OrderStore {
public:
    Store(Servers& servers, Script& script) : m_servers(servers), m_script(script) {}

    /// How long a count takes.
    milliseconds query_time{0};

    Probe probe(const std::vector<Scope>& scopes, const Tick&) override {
        m_script.reach(Step::probe);
        Probe probe{.on_standby = m_servers.is_standby};
        for (const Scope& scope : scopes) {
            if (m_servers.is_locked(scope)) {
                probe.writers.emplace(scope, m_servers.holders(scope));
            }
        }
        return probe;
    }

    Counted count(const std::vector<Scope>& scopes, const Tick& tick) override {
        Counted counted = count_now(scopes);
        wait(tick);
        m_script.reach(Step::answer);
        return counted;
    }

    std::optional<Counted> count_total(const std::function<bool()>& is_wanted) override {
        Counted counted = count_now({k_all_orders});
        if (!is_wanted()) {
            return std::nullopt;
        }
        wait({});
        m_script.reach(Step::answer);
        return counted;
    }

    bool has_run = true;

    bool has_run_since(const Counted&) override { return has_run; }

    TransactionStatus status_of(const WriteId& write) override {
        m_script.reach(Step::status);
        return m_servers.status_of(write.transaction);
    }

private:
    Counted count_now(const std::vector<Scope>& scopes) {
        m_script.reach(Step::snapshot);
        Counted counted{.snapshot = m_servers.take_snapshot(),
                        .on_standby = m_servers.is_standby || m_servers.counts_on_standby};
        for (const Scope& scope : scopes) {
            counted.counts.emplace(scope, m_servers.orders(scope));
        }
        return counted;
    }

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
          m_size(static_cast<std::int64_t>(customers.size())),
          m_transaction(servers.begin(std::move(customers), m_locks)) {}
    Orders(const Orders&) = delete;
    Orders& operator=(const Orders&) = delete;

    ~Orders() override {
        if (!m_is_commit_sent) {
            m_servers.roll_back(m_transaction);
        }
    }

    WriteId write_id() const override { return {.transaction = m_transaction}; }
    std::int64_t size() const override { return m_size; }

    std::optional<std::vector<Scope>> changed_customers() const override {
        if (!m_locks) {
            return std::nullopt;
        }
        std::vector<Scope> customers = *m_locks;
        std::erase(customers, k_all_orders);
        return customers;
    }

    /// How its COMMIT ends, if it does not succeed.
    std::optional<CommitEnd> end;

    CommitEnd commit() override {
        m_script.reach(Step::commit);
        m_is_commit_sent = !end;
        if (end) {
            return *end;
        }
        if (m_servers.commits_hang) {
            return {CommitOutcome::in_doubt,
                    Error(ErrorKind::in_doubt, "the connection broke during COMMIT")};
        }
        m_servers.make_visible(m_transaction);
        return {CommitOutcome::committed, std::nullopt};
    }

private:
    Servers& m_servers;
    Script& m_script;
    Locks m_locks;
    std::int64_t m_size;
    TransactionId m_transaction;
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
          reader(
              cache, [this]() -> OrderStore& { return connected_store(); }, reporter,
              [this] { return wait_for_another(); }),
          m_servers(servers), m_patience(patience) {}
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    Script script;
    Cache cache;
    Store store;
    MemoryReporter reporter;
    std::vector<milliseconds> pauses;
    CountReader reader;

    std::int64_t count(const Scope& scope = k_all_orders) { return reader.counts({scope}).front(); }

    std::int64_t refresh(const Scope& scope = k_all_orders) {
        return reader.refresh({scope}).front();
    }

    void add(CustomerId customer) {
        Orders orders(m_servers, script, {customer}, scopes_of(customer));
        commit(orders, cache, reporter);
    }

private:
    OrderStore& connected_store() {
        if (!std::exchange(m_is_connected, true)) {
            script.reach(Step::connect);
        }
        return store;
    }

    Pause wait_for_another() {
        return [this, end = m_servers.clock.now() + m_patience](milliseconds pause) {
            script.reach(Step::pause);
            pauses.push_back(pause);
            m_servers.clock.tick(pause);
            return m_servers.clock.now() <= end;
        };
    }

    Servers& m_servers;
    milliseconds m_patience;
    bool m_is_connected = false;
};

} // namespace ordercache::fakes
