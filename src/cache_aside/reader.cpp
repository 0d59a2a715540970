#include "cache_aside/reader.hpp"

#include "base/error.hpp"
#include "cache_aside/claims.hpp"
#include "cache_aside/wait.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_first_pause = 2ms;
constexpr std::chrono::milliseconds k_longest_pause = 100ms;

std::vector<std::int64_t> in_order_of(const std::vector<Scope>& scopes, const Counts& counts) {
    std::vector<std::int64_t> ordered;
    ordered.reserve(scopes.size());
    auto next = counts.begin(); // a list is in the map's own order more often than not
    for (const Scope& scope : scopes) {
        const bool is_next = next != counts.end() && next->first == scope;
        ordered.push_back(is_next ? (next++)->second : counts.at(scope));
    }
    return ordered;
}

void note_look_up(const std::vector<Scope>& scopes, Reporter& reporter) {
    for (const Scope& scope : scopes) {
        reporter.note([&] {
            return scope.customer
                       ? fmt::format("Looking up orders for customer {}", *scope.customer)
                       : "Looking up all orders";
        });
    }
}

Counts count_without_cache(OrderStore& store, const std::vector<Scope>& scopes,
                           Reporter& reporter) {
    note_look_up(scopes, reporter);
    return store.count(scopes, {}).counts;
}

Error waited_too_long(const std::string& key, const Wait& wait) {
    const char* const reason = wait.is_for_reader()
                                   ? "another process was still counting in PostgreSQL"
                                   : "orders were still being added";
    return {ErrorKind::store_failed,
            fmt::format("gave up waiting for {}: {} when --timeout was over; give it a longer one",
                        key, reason)};
}

} // namespace

std::vector<std::int64_t> counts_from_store(OrderStore& store, const std::vector<Scope>& scopes,
                                            Reporter& reporter) {
    return in_order_of(scopes, count_without_cache(store, without_repeats(scopes), reporter));
}

CountReader::CountReader(CountCache& cache, std::function<OrderStore&()> store, Reporter& reporter,
                         BeginWait begin_wait)
    : m_cache(cache), m_store(std::move(store)), m_reporter(reporter),
      m_begin_wait(std::move(begin_wait)) {}

std::vector<std::int64_t> CountReader::counts(const std::vector<Scope>& scopes) {
    return in_order_of(scopes, look_up(without_repeats(scopes), false));
}

std::vector<std::int64_t> CountReader::refresh(const std::vector<Scope>& scopes) {
    return in_order_of(scopes, look_up(without_repeats(scopes), true));
}

Counts CountReader::look_up(const std::vector<Scope>& scopes, bool refresh) {
    m_cache_had_failed = std::exchange(m_cache_failed, false);
    try {
        return refresh ? resolve(scopes, true) : cached(scopes);
    } catch (const CacheError& error) {
        leave_cache(fmt::format("{}; PostgreSQL answers", error.what()));
    }
    return count_without_cache(m_store(), scopes, m_reporter);
}

Counts CountReader::cached(const std::vector<Scope>& scopes) {
    for (const Scope& scope : scopes) {
        m_reporter.note([&] { return fmt::format("Checking cache key {}", m_cache.key(scope)); });
    }
    const auto values = m_cache.get(scopes);

    Counts found;
    std::vector<Scope> misses;
    for (std::size_t i = 0; i < scopes.size(); ++i) {
        if (values[i]) {
            hit(found, scopes[i], *values[i]);
        } else {
            misses.push_back(scopes[i]);
        }
    }
    if (!misses.empty()) {
        found.merge(resolve(misses, false));
    }
    return found;
}

/// Counts what nobody else counts, and waits for the rest.
Counts CountReader::resolve(std::vector<Scope> scopes, bool refresh) {
    OrderStore& store = m_store();
    Wait wait(std::move(scopes), refresh);
    const Pause pause = m_begin_wait();
    Counts found;
    for (auto length = k_first_pause;; length = std::min(length * 2, k_longest_pause)) {
        found.merge(claim(wait, store));
        if (wait.scopes().empty()) {
            return found;
        }
        if (m_cache_failed) {
            found.merge(count_without_cache(store, wait.scopes(), m_reporter));
            return found;
        }
        if (settle(wait.to_settle(), store)) {
            length = k_first_pause;
        }
        if (!pause(length)) {
            throw waited_too_long(m_cache.key(wait.scopes().front()), wait);
        }
    }
}

/// Counts what nobody else counts; what is left in `wait` somebody does.
Counts CountReader::claim(Wait& wait, OrderStore& store) {
    const std::vector<Scope> scopes = wait.scopes();
    const auto claims = m_cache.acquire(scopes, wait.freshness());
    wait.clear();
    Counts found;
    std::vector<Scope> ours;
    for (std::size_t i = 0; i < scopes.size(); ++i) {
        if (claims[i].count) {
            hit(found, scopes[i], *claims[i].count);
        } else if (claims[i].ours) {
            ours.push_back(scopes[i]);
        } else {
            wait.add(scopes[i], claims[i]);
        }
    }
    if (!ours.empty()) {
        Claims held(m_cache, std::move(ours));
        found.merge(count_and_fill(held, store));
    }
    return found;
}

Counts CountReader::count_and_fill(Claims& claims, OrderStore& store) {
    const std::vector<Scope> scopes = claims.scopes();
    const auto renew = [&] { with_cache([&] { m_cache.renew(scopes); }); };

    const Probe probe = store.probe(scopes, renew);
    note_look_up(scopes, m_reporter);
    Counted counted = store.count(scopes, renew);

    if (!probe.on_standby && !counted.on_standby) {
        with_cache([&] { claims.given_up(fill(probe, counted)); });
    }
    release(claims);
    return std::move(counted.counts);
}

/// Gives the counts that were filled.
Counts CountReader::fill(const Probe& probe, const Counted& counted) {
    Counts filled;
    for (const auto& [scope, count] : counted.counts) {
        if (scope.customer && !probe.writers.contains(scope)) {
            filled.emplace(scope, count);
        }
    }
    if (!filled.empty()) {
        m_cache.fill(filled);
    }
    const auto total = counted.counts.find(k_all_orders);
    if (total != counted.counts.end() && fill_total(total->second, probe, counted)) {
        filled.insert(*total);
    }
    for (const auto& [scope, count] : filled) {
        note_caching(scope, count);
    }
    return filled;
}

bool CountReader::fill_total(std::int64_t total, const Probe& probe, const Counted& counted) {
    const auto writers = probe.writers.find(k_all_orders);
    return m_cache.fill_total(total, counted.snapshot,
                              writers == probe.writers.end() ? std::vector<std::uint32_t>{}
                                                             : writers->second,
                              [&] { return m_store().has_run_since(counted); });
}

/// Gives up the rights to count what was not filled.
void CountReader::release(Claims& claims) {
    const auto scopes = claims.hand_over();
    if (scopes.empty()) {
        return;
    }
    with_cache([&] {
        for (const Scope& scope : scopes) {
            m_reporter.note([&] {
                return fmt::format("Not caching {}: a write may be in flight", m_cache.key(scope));
            });
        }
        m_cache.release(scopes);
    });
}

/// Asks PostgreSQL what became of writers that may be dead, and says it in their place. Gives
/// whether one of them was settled. The answer does not depend on it: what fails here is let pass.
bool CountReader::settle(const std::vector<WriteId>& to_settle, OrderStore& store) {
    bool settled = false;
    for (const WriteId& write : to_settle) {
        try {
            const TransactionStatus status = store.status_of(write);
            if (status == TransactionStatus::committed || status == TransactionStatus::aborted) {
                m_cache.end_write(write, status);
                settled = true;
            }
        } catch (const Error&) {
            return settled;
        }
    }
    return settled;
}

/// Does what the answer does not depend on.
void CountReader::with_cache(const std::function<void()>& act) {
    if (m_cache_failed) {
        return;
    }
    try {
        act();
    } catch (const CacheError& error) {
        leave_cache(fmt::format("{}; going on without it", error.what()));
    }
}

/// Until the next question. Of those that it fails one after the other, the first gives a warning.
void CountReader::leave_cache(const std::string& warning) {
    m_cache_failed = true;
    if (!m_cache_had_failed) {
        m_reporter.warn(warning);
    }
}

void CountReader::hit(Counts& found, const Scope& scope, std::int64_t count) {
    m_reporter.note(
        [&] { return fmt::format("Found {}, value is {}", m_cache.key(scope), count); });
    found.emplace_hint(found.end(), scope, count); // those of a list come in order
}

void CountReader::note_caching(const Scope& scope, std::int64_t count) {
    m_reporter.note([&] {
        return fmt::format("Caching {}, value is {}, for {} s", m_cache.key(scope), count,
                           m_cache.time_to_live().count());
    });
}

} // namespace ordercache
