#pragma once

#include "cache_aside/count_cache.hpp"
#include "cache_aside/order_store.hpp"
#include "cache_aside/scope.hpp"
#include "customers.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Redis and PostgreSQL as the protocol sees them, with a clock to turn.
namespace ordercache::fakes {

using std::chrono::milliseconds;

/// For how long the right to count stands unless it is renewed.
inline constexpr milliseconds k_lease_time{2000};

inline constexpr std::int64_t k_orders = 12000;
inline const Scope k_customer = customer_scope(9999);
inline const Scope k_another_customer = customer_scope(7);

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

    milliseconds expiry(const Scope& scope) const { return m_entries.at(scope).expiry; }

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

/// What is known of the total while writers are in flight: as much of the ledger in Redis as the
/// reader's and the writer's part need. The ledger's own rules are
/// tests/e2e/test_ledger_scripts.py's.
struct Ledger {
    struct InFlight {
        milliseconds since;
        std::int64_t orders;
    };

    std::optional<std::int64_t> base;
    milliseconds ends{0};
    std::map<TransactionId, InFlight> in_flight;
};

/// A count that a reader left to others.
struct SharedCount {
    std::string reader;
    std::int64_t count;
};

/// What a transaction has locked; nullopt if it is the lock for all, which every probe heeds.
using Locks = std::optional<std::vector<Scope>>;

inline std::vector<Scope> scopes_of(const CustomerId& customer) {
    return {k_all_orders, Scope{customer}};
}

/// Both servers. Remembers whether a cached count ever differed from the count in PostgreSQL.
class Servers {
public:
    explicit Servers(std::int64_t orders) { m_orders[k_all_orders] = orders; }

    Clock clock;
    Expiring<std::int64_t> values{clock};
    Expiring<std::string> leases{clock}; ///< The total's reader is entered here too.
    Expiring<SharedCount> answers{clock};
    Ledger ledger;
    bool is_standby = false;
    bool counts_on_standby = false; ///< Behind a pooler, the server that counts may be another.
    bool commits_hang = false;
    bool hides_transactions = false; ///< A probe does not learn whose the locks are.

    std::string new_token() { return "token-" + std::to_string(++m_last_token); }

    void set_value(const Scope& scope, std::int64_t count, milliseconds lifetime) {
        values.set(scope, count, lifetime);
        m_was_stale |= is_stale(scope);
    }

    std::int64_t orders(const Scope& scope) const {
        const auto found = m_orders.find(scope);
        return found == m_orders.end() ? 0 : found->second;
    }

    /// Begins a transaction that inserts an order for each customer; gives its id.
    TransactionId begin(std::vector<CustomerId> customers, Locks locks) {
        m_in_flight.emplace(++m_last_transaction,
                            Transaction{std::move(customers), std::move(locks)});
        return m_last_transaction;
    }

    void roll_back(TransactionId transaction) {
        m_in_flight.erase(transaction);
        m_aborted.insert(transaction);
    }

    /// Makes its orders visible, then lets go of its locks.
    void make_visible(TransactionId transaction) {
        for (const CustomerId& customer : m_in_flight.at(transaction).customers) {
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

    TransactionId last_transaction() const { return m_last_transaction; }

    TransactionStatus status_of(TransactionId transaction) const {
        if (m_in_flight.contains(transaction)) {
            return TransactionStatus::in_progress;
        }
        return m_aborted.contains(transaction) ? TransactionStatus::aborted
                                               : TransactionStatus::committed;
    }

    /// The transactions that hold a lock on the scope, as a probe learns them.
    std::vector<std::uint32_t> holders(const Scope& scope) const {
        std::vector<std::uint32_t> holders;
        for (const auto& [id, transaction] : m_in_flight) {
            const Locks& locks = transaction.locks;
            if (!locks || std::ranges::find(*locks, scope) != locks->end()) {
                holders.push_back(hides_transactions ? 0 : static_cast<std::uint32_t>(id));
            }
        }
        return holders;
    }

    bool is_locked(const Scope& scope) const { return !holders(scope).empty(); }

    /// Whether some reader has the right to count the scope.
    bool is_claimed(const Scope& scope) const { return leases.get(scope).has_value(); }

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
    std::map<TransactionId, Transaction> m_in_flight;
    std::set<TransactionId> m_aborted;
    TransactionId m_last_transaction = 0;
    int m_last_token = 0;
    bool m_was_stale = false;
};

} // namespace ordercache::fakes
