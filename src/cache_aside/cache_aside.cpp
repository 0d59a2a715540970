#include "cache_aside/cache_aside.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr auto k_first_pause = 5ms;
constexpr auto k_longest_pause = 100ms;

std::vector<Scope> without_repeats(std::vector<Scope> scopes) {
    if (!std::ranges::is_sorted(scopes)) {
        std::ranges::sort(scopes);
    }
    scopes.erase(std::unique(scopes.begin(), scopes.end()), scopes.end());
    return scopes;
}

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

Counts count_without_lease(OrderStore& store, const std::vector<Scope>& scopes,
                           Reporter& reporter) {
    note_look_up(scopes, reporter);
    return store.count(scopes, {});
}

} // namespace

/// Leases that are ours. Where an exception ends the look-up, they are given up on its way out.
class CacheAside::Leases {
public:
    Leases(CountCache& cache, std::vector<Scope> scopes)
        : m_cache(cache), m_scopes(std::move(scopes)) {}
    Leases(const Leases&) = delete;
    Leases& operator=(const Leases&) = delete;

    ~Leases() {
        if (m_scopes.empty()) {
            return;
        }
        try {
            m_cache.release(m_scopes);
        } catch (...) {
            return; // what cannot be given up now expires by itself
        }
    }

    const std::vector<Scope>& scopes() const { return m_scopes; }

    /// The fill gave these up already.
    void given_up(const Counts& counts) {
        std::erase_if(m_scopes, [&](const Scope& scope) { return counts.contains(scope); });
    }

    /// Leaves it to the caller to give them up.
    std::vector<Scope> hand_over() { return std::exchange(m_scopes, {}); }

private:
    CountCache& m_cache;
    std::vector<Scope> m_scopes;
};

void note_drop(const std::vector<Scope>& scopes, const CountCache& cache, Reporter& reporter) {
    reporter.note([&] {
        return scopes.size() == 2 ? fmt::format("Clearing caches for {} and {}",
                                                cache.key(scopes[0]), cache.key(scopes[1]))
                                  : fmt::format("Clearing caches for {} keys", scopes.size());
    });
}

std::vector<std::int64_t> counts_from_store(OrderStore& store, const std::vector<Scope>& scopes,
                                            Reporter& reporter) {
    return in_order_of(scopes, count_without_lease(store, without_repeats(scopes), reporter));
}

CacheAside::CacheAside(CountCache& cache, std::function<OrderStore&()> store, Reporter& reporter,
                       Pause pause, std::chrono::milliseconds patience)
    : m_cache(cache), m_store(std::move(store)), m_reporter(reporter), m_pause(std::move(pause)),
      m_patience(patience) {}

std::vector<std::int64_t> CacheAside::counts(const std::vector<Scope>& scopes) {
    return in_order_of(scopes, falling_back_on_store(&CacheAside::cached, without_repeats(scopes)));
}

std::vector<std::int64_t> CacheAside::refresh(const std::vector<Scope>& scopes) {
    return in_order_of(scopes, falling_back_on_store(&CacheAside::anew, without_repeats(scopes)));
}

void CacheAside::commit(PendingOrders& orders) {
    const auto changed = orders.changed();
    if (changed) {
        note_drop(*changed, m_cache, m_reporter);
        m_cache.drop(*changed);
    } else {
        m_reporter.note("Clearing all caches");
        m_cache.drop_all();
    }
    orders.commit();
}

Counts CacheAside::falling_back_on_store(LookUp look_up, const std::vector<Scope>& scopes) {
    if (!m_cache_failed) {
        try {
            return (this->*look_up)(scopes);
        } catch (const CacheError& error) {
            m_cache_failed = true;
            m_reporter.warn(fmt::format("{}; PostgreSQL answers", error.what()));
        }
    }
    return count_without_lease(m_store(), scopes, m_reporter);
}

Counts CacheAside::cached(const std::vector<Scope>& scopes) {
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
        found.merge(resolve(misses));
    }
    return found;
}

Counts CacheAside::anew(const std::vector<Scope>& scopes) {
    m_store();
    m_cache.take(scopes);
    Leases leases(m_cache, scopes);
    return count_with_lease(leases);
}

Counts CacheAside::resolve(std::vector<Scope> misses) {
    m_store();
    Counts found;
    std::chrono::milliseconds waited{0};
    for (auto pause = k_first_pause;; pause = std::min(pause * 2, k_longest_pause)) {
        misses = claim(misses, found);
        if (misses.empty()) {
            return found;
        }
        if (m_cache_failed || waited + pause > m_patience) {
            found.merge(count_without_lease(m_store(), misses, m_reporter));
            return found;
        }
        m_pause(pause);
        waited += pause;
    }
}

std::vector<Scope> CacheAside::claim(const std::vector<Scope>& misses, Counts& found) {
    const auto claims = m_cache.acquire(misses);
    std::vector<Scope> ours;
    std::vector<Scope> others;
    std::vector<Scope> filled_meanwhile;
    for (std::size_t i = 0; i < misses.size(); ++i) {
        const auto& [leased, count] = claims[i];
        if (count) {
            hit(found, misses[i], *count);
            if (leased) {
                filled_meanwhile.push_back(misses[i]);
            }
        } else {
            (leased ? ours : others).push_back(misses[i]);
        }
    }
    Leases needed(m_cache, ours);
    Leases not_needed(m_cache, filled_meanwhile);
    release(not_needed);
    if (!ours.empty()) {
        found.merge(count_with_lease(needed));
    }
    return others;
}

Counts CacheAside::count_with_lease(Leases& leases) {
    const auto leased = leases.scopes();
    const auto renew = [&] { with_cache([&] { m_cache.renew(leased); }); };
    OrderStore& store = m_store();

    const auto written = store.writers_in_flight(leased, renew);
    note_look_up(leased, m_reporter);
    Counts counts = store.count(leased, renew);

    Counts storable = counts;
    for (const Scope& scope : written) {
        m_reporter.note([&] {
            return fmt::format("Not caching {}: a write may be in flight", m_cache.key(scope));
        });
        storable.erase(scope);
    }
    fill(storable);
    leases.given_up(storable);
    release(leases);
    return counts;
}

void CacheAside::fill(const Counts& counts) {
    if (counts.empty()) {
        return;
    }
    for (const auto& [scope, count] : counts) {
        m_reporter.note([&, &scope = scope, &count = count] {
            return fmt::format("Caching {}, value is {}, for {} s", m_cache.key(scope), count,
                               m_cache.time_to_live().count());
        });
    }
    with_cache([&] { m_cache.fill(counts); });
}

void CacheAside::release(Leases& leases) {
    const auto scopes = leases.hand_over();
    if (!scopes.empty()) {
        with_cache([&] { m_cache.release(scopes); });
    }
}

/// Does what the answer does not depend on.
void CacheAside::with_cache(const std::function<void()>& act) {
    if (m_cache_failed) {
        return;
    }
    try {
        act();
    } catch (const CacheError& error) {
        m_cache_failed = true;
        m_reporter.warn(fmt::format("{}; going on without it", error.what()));
    }
}

void CacheAside::hit(Counts& found, const Scope& scope, std::int64_t count) {
    m_reporter.note(
        [&] { return fmt::format("Found {}, value is {}", m_cache.key(scope), count); });
    found.emplace_hint(found.end(), scope, count); // those of a list come in order
}

} // namespace ordercache
