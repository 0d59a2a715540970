#pragma once

#include "base/error.hpp"
#include "cache_aside/cache_aside.hpp"
#include "fake_servers.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
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
    share,
    drop_lease,
    drop_value,
    enter,
    commit,
    confirm,
    apply_external,
    vouch,
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
    Cache(Servers& servers, Script& script) : m_servers(servers), m_script(script) {}

    bool is_down = false;          ///< Every command fails from here on.
    bool is_full = false;          ///< It has no memory for a writer's entry.
    bool is_abandoned = false;     ///< The follower gives no sign of life.
    bool has_seen_writers = false; ///< A total's snapshot knows writers that are entered.
    std::set<Scope> garbled;       ///< Their values are not counts.

    std::string key(const Scope& scope) const override {
        return scope.customer ? "num_orders:" + scope.customer->text : "num_orders:all";
    }

    std::optional<Counts> get(const std::vector<Scope>& scopes) override {
        reach(Step::get);
        if (is_abandoned) {
            return std::nullopt;
        }
        Counts counts;
        for (const Scope& scope : scopes) {
            if (const auto count = m_servers.values.get(scope)) {
                counts.emplace(scope, *count);
            }
        }
        return counts;
    }

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

    bool has_ledger() override {
        return m_servers.is_claimed(k_all_orders) || !ledger().in_flight.empty();
    }

    Claims acquire(const Claims& claims, Purpose purpose) override {
        m_token = m_servers.new_token();
        Claims found;
        for (const auto& [scope, claim] : claims) {
            reach(Step::acquire);
            found[scope] = answer_to(scope, claim.earlier, purpose);
        }
        return found;
    }

    /// Takes the right to count, whatever is cached.
    void claim(const Scope& scope) { acquire({{scope, {}}}, Purpose::refresh); }

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

    void share(const Scope& scope, std::int64_t count) override {
        reach(Step::share);
        if (is_ours(scope)) {
            leave_answer(scope, count);
            m_servers.leases.remove(scope);
        }
    }

    Counts fill(const Counts& customers) override {
        Counts stored;
        for (const auto& [scope, count] : customers) {
            reach(Step::fill);
            if (is_ours(scope)) {
                leave_answer(scope, count);
                m_servers.leases.remove(scope);
                m_servers.set_value(scope, count, time_to_live());
                stored.emplace(scope, count);
            }
        }
        return stored;
    }

    bool fill_total(std::int64_t count, const std::string& /*snapshot*/,
                    const std::vector<std::uint32_t>& writers,
                    const std::function<bool()>& has_run) override {
        reach(Step::fill);
        const bool are_entered = std::ranges::all_of(
            writers, [&](std::uint32_t id) { return ledger().in_flight.contains(id); });
        if (!is_ours(k_all_orders) || !are_entered || (has_seen_writers && !has_run())) {
            return false;
        }
        leave_answer(k_all_orders, count);
        m_servers.leases.remove(k_all_orders);
        m_servers.ledger.base = count;
        m_servers.ledger.ends = m_servers.clock.now() + time_to_live();
        settle();
        return true;
    }

    bool begin_write(const WriteId& write, std::int64_t orders,
                     const std::vector<Scope>& customers) override {
        drop(customers);
        reach(Step::enter);
        if (is_full) {
            drop_total();
            return false;
        }
        if (const auto value = m_servers.values.get(k_all_orders)) {
            ledger().base = value;
            ledger().ends = m_servers.values.expiry(k_all_orders);
        }
        m_servers.values.remove(k_all_orders);
        m_servers.leases.remove(k_all_orders);
        ledger().in_flight[write.transaction] = {m_servers.clock.now(), orders};
        return true;
    }

    void end_write(const WriteId& write, TransactionStatus status) override {
        reach(Step::confirm);
        const auto entry = ledger().in_flight.find(write.transaction);
        if (entry == ledger().in_flight.end()) {
            return;
        }
        if (ledger().base && status == TransactionStatus::committed) {
            *ledger().base += entry->second.orders;
        }
        ledger().in_flight.erase(entry);
        settle();
    }

    void apply_external(const std::vector<TransactionDelta>& /*others*/) override {
        reach(Step::apply_external);
    }

    std::vector<std::chrono::steady_clock::time_point> vouched; ///< The moments.

    void vouch(std::chrono::steady_clock::time_point moment) override {
        reach(Step::vouch);
        vouched.push_back(moment);
    }

    std::int64_t drop(const std::vector<Scope>& scopes) override {
        std::int64_t dropped = 0;
        for (const Scope& scope : scopes) {
            if (!scope.customer) {
                reach(Step::drop_value);
                dropped += drop_total();
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
        std::int64_t dropped = drop_total();
        reach(Step::drop_lease);
        m_servers.leases.clear();
        reach(Step::drop_value);
        return dropped + m_servers.values.clear();
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

    Claim answer_to(const Scope& scope, const std::string& earlier, Purpose purpose) {
        const auto value = m_servers.values.get(scope);
        if (value && purpose == Purpose::read) {
            return {.kind = Claim::Kind::hit, .count = *value};
        }
        const auto answer = m_servers.answers.get(scope);
        if (answer && !earlier.empty() && earlier.find(answer->reader) == std::string::npos) {
            return {.kind = Claim::Kind::answer, .count = answer->count};
        }
        const auto holder = m_servers.leases.get(scope);
        if (holder || (!scope.customer && ledger().base && purpose == Purpose::read)) {
            return {.kind = Claim::Kind::wait,
                    .is_being_counted = holder.has_value(),
                    .earlier = earlier.empty() ? ' ' + holder.value_or("") + ' ' +
                                                     (answer ? answer->reader : "")
                                               : earlier,
                    .to_settle = silent_writers(scope)};
        }
        lease(scope);
        return {.kind = Claim::Kind::ours};
    }

    std::vector<WriteId> silent_writers(const Scope& scope) {
        std::vector<WriteId> silent;
        for (const auto& [id, entry] : ledger().in_flight) {
            if (!scope.customer && m_servers.clock.now() - entry.since > milliseconds{100}) {
                silent.push_back({.transaction = id});
            }
        }
        return silent;
    }

    void lease(const Scope& scope) { m_servers.leases.set(scope, m_token, k_lease_time); }

    void leave_answer(const Scope& scope, std::int64_t count) {
        m_servers.answers.set(scope, {m_token, count}, milliseconds{1000});
    }

    /// It is void where a writer is in flight for too long.
    Ledger& ledger() {
        const bool is_void =
            std::ranges::any_of(m_servers.ledger.in_flight, [&](const auto& entry) {
                return m_servers.clock.now() - entry.second.since > k_lease_time;
            });
        if (is_void) {
            m_servers.ledger = {};
        }
        return m_servers.ledger;
    }

    void settle() {
        if (!ledger().in_flight.empty()) {
            return;
        }
        if (ledger().base && ledger().ends > m_servers.clock.now()) {
            m_servers.set_value(k_all_orders, *ledger().base,
                                ledger().ends - m_servers.clock.now());
        }
        m_servers.ledger = {};
    }

    std::int64_t drop_total() {
        m_servers.ledger = {};
        m_servers.leases.remove(k_all_orders);
        return m_servers.values.remove(k_all_orders) ? 1 : 0;
    }

    Servers& m_servers;
    Script& m_script;
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
        Counted counted{.on_standby = m_servers.is_standby || m_servers.counts_on_standby};
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
    std::int64_t counted() const override { return m_size; }

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

    bool is_verbose() const override { return true; }
    void warn(const std::string& line) override { warnings.push_back(line); }

private:
    void write_note(const std::string& line) override { notes.push_back(line); }
};

/// One run of the program.
class Process {
public:
    /// With a limit, a pause takes as long by the real clock as by the servers'.
    explicit Process(Servers& servers, TimeLimit limit = TimeLimit::none())
        : cache(servers, script), store(servers, script),
          reader(
              cache, [this]() -> OrderStore& { return connected_store(); }, reporter, limit,
              [this](milliseconds length) { pause(length); }),
          m_servers(servers), m_limit(limit) {}
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
        return reader.counts({scope}, Purpose::refresh).front();
    }

    void add(const CustomerId& customer) {
        Orders orders(m_servers, script, {customer}, scopes_of(customer));
        commit_and_update_cache(orders, cache, reporter);
    }

private:
    OrderStore& connected_store() {
        if (!std::exchange(m_is_connected, true)) {
            script.reach(Step::connect);
        }
        return store;
    }

    void pause(milliseconds length) {
        script.reach(Step::pause);
        pauses.push_back(length);
        m_servers.clock.tick(length);
        if (std::reduce(pauses.begin(), pauses.end()) > std::chrono::hours(1)) {
            throw std::runtime_error("the reader waits for ever");
        }
        if (m_limit.deadline().left()) {
            pause_for(length);
        }
    }

    Servers& m_servers;
    TimeLimit m_limit;
    bool m_is_connected = false;
};

} // namespace ordercache::fakes
