#pragma once

#include "fake_servers.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ordercache::fakes {

/// The steps of the total's ledger, each as the script of its name takes it in Redis.
class LedgerSteps {
public:
    explicit LedgerSteps(Servers& servers) : m_servers(servers) {}

    Claim acquire(const std::string& token, const Freshness& freshness) {
        open();
        const auto value = m_servers.values.get(k_all_orders);
        if (value && (!freshness.refresh || is_accepted(freshness.accepted))) {
            return {.count = value};
        }
        if (!ledger().reader.empty() || (ledger().base && !freshness.refresh)) {
            return {.holder = ledger().reader, .to_settle = silent_writers()};
        }
        ledger().base.reset();
        ledger().reader = token;
        ledger().renewed = now();
        return {.ours = true};
    }

    void renew(const std::string& token) {
        open();
        if (ledger().reader == token) {
            ledger().renewed = now();
        }
    }

    void release(const std::string& token) {
        open();
        if (ledger().reader == token) {
            ledger().reader.clear();
            settle();
        }
    }

    /// Of transactions that the snapshot has seen.
    bool has_entries_in(const std::string& snapshot) {
        open();
        const auto is_seen = [&](const auto& entry) {
            return m_servers.has_seen(snapshot, entry.first);
        };
        return std::ranges::any_of(ledger().in_flight, is_seen) ||
               std::ranges::any_of(ledger().committed, is_seen);
    }

    bool fill(const std::string& token, std::int64_t count, milliseconds time_to_live,
              const std::string& snapshot, const std::vector<std::uint32_t>& writers) {
        open();
        if (ledger().reader != token) {
            return false;
        }
        ledger().reader.clear();
        for (const std::uint32_t writer : writers) {
            if (!ledger().in_flight.contains(writer) && !ledger().committed.contains(writer)) {
                settle();
                return false;
            }
        }
        for (const auto& [id, orders] : std::exchange(ledger().committed, {})) {
            count += m_servers.has_seen(snapshot, id) ? 0 : orders;
        }
        ledger().base = count;
        ledger().ends = now() + time_to_live;
        ledger().since = snapshot;
        ledger().filled_by = token;
        settle();
        return true;
    }

    void enter(const WriteId& write, std::int64_t orders) {
        open();
        if (const auto value = m_servers.values.get(k_all_orders);
            value && ledger().reader.empty()) {
            ledger().base = value;
            ledger().ends = m_servers.values.expiry(k_all_orders);
        }
        m_servers.values.remove(k_all_orders);
        ledger().in_flight[write.transaction] = {now(), orders};
    }

    void confirm(TransactionId id, TransactionStatus status) {
        open();
        const auto entry = ledger().in_flight.find(id);
        if (entry == ledger().in_flight.end()) {
            return;
        }
        const std::int64_t orders =
            status == TransactionStatus::committed ? entry->second.orders : 0;
        ledger().in_flight.erase(entry);
        if (ledger().base) {
            const bool is_counted =
                !ledger().since.empty() && m_servers.has_seen(ledger().since, id);
            *ledger().base += is_counted ? 0 : orders;
        } else if (!ledger().reader.empty()) {
            ledger().committed[id] = orders;
        }
        settle();
    }

    void apply_external(const TransactionDelta& other) {
        open();
        const bool may_be_added = !ledger().since.empty();
        const bool is_counted =
            may_be_added && m_servers.has_seen(ledger().since, other.transaction);
        const std::int64_t orders = is_counted ? 0 : other.orders;
        if (const auto value = m_servers.values.get(k_all_orders)) {
            if (may_be_added) {
                m_servers.set_value(k_all_orders, *value + orders,
                                    m_servers.values.expiry(k_all_orders) - now());
            } else {
                m_servers.values.remove(k_all_orders);
            }
        } else if (ledger().base && may_be_added) {
            *ledger().base += orders;
        } else if (ledger().base) {
            ledger() = {};
        }
        if (!ledger().reader.empty()) {
            ledger().committed[other.transaction] = other.orders;
        }
        settle();
    }

    std::int64_t drop() {
        ledger() = {};
        return m_servers.values.remove(k_all_orders) ? 1 : 0;
    }

private:
    Ledger& ledger() { return m_servers.ledger; }
    milliseconds now() const { return m_servers.clock.now(); }

    void open() {
        for (const auto& [id, entry] : ledger().in_flight) {
            if (now() - entry.since > k_lease_time) {
                ledger() = {};
                return;
            }
        }
        if (now() - ledger().renewed > k_lease_time) {
            ledger().reader.clear();
        }
    }

    bool is_accepted(const std::string& token) {
        return !token.empty() && token == ledger().filled_by;
    }

    std::vector<WriteId> silent_writers() {
        std::vector<WriteId> silent;
        for (const auto& [id, entry] : ledger().in_flight) {
            if (now() - entry.since > milliseconds{100}) {
                silent.push_back({.transaction = id});
            }
        }
        return silent;
    }

    void settle() {
        if (!ledger().in_flight.empty()) {
            return;
        }
        if (ledger().base && ledger().ends > now()) {
            m_servers.set_value(k_all_orders, *ledger().base, ledger().ends - now());
        }
        if (ledger().base || ledger().reader.empty()) {
            Ledger published;
            published.since = ledger().since;
            published.filled_by = ledger().filled_by;
            ledger() = published;
        }
    }

    Servers& m_servers;
};

} // namespace ordercache::fakes
