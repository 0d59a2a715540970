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

const char* reason_not_to_cache(const Scope& scope, const Probe& probe, const Counted& counted) {
    return probe.on_standby || counted.on_standby ? "PostgreSQL is a standby here, which lags"
           : probe.writers.contains(scope)        ? "a write may be in flight"
                                                  : "it may have changed meanwhile";
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

std::int64_t CountReader::count(const Scope& scope) {
    begin_question();
    try {
        note_check(scope);
        if (const auto count = m_cache.get(scope)) {
            note_hit(scope, *count);
            return *count;
        }
        return resolve({scope}, Purpose::read).at(scope);
    } catch (const CacheError& error) {
        return count_after(error, {scope}).at(scope);
    }
}

std::vector<std::int64_t> CountReader::counts(const std::vector<Scope>& scopes) {
    return ask(scopes, Purpose::read);
}

std::vector<std::int64_t> CountReader::refresh(const std::vector<Scope>& scopes) {
    return ask(scopes, Purpose::refresh);
}

std::vector<std::int64_t> CountReader::ask(const std::vector<Scope>& scopes, Purpose purpose) {
    begin_question();
    const auto wanted = without_repeats(scopes);
    try {
        return in_order_of(scopes, purpose == Purpose::read ? cached_or_counted(wanted)
                                                            : resolve(wanted, purpose));
    } catch (const CacheError& error) {
        return in_order_of(scopes, count_after(error, wanted));
    }
}

Counts CountReader::cached_or_counted(const std::vector<Scope>& scopes) {
    std::ranges::for_each(scopes, [&](const Scope& scope) { note_check(scope); });
    Counts found = m_cache.get(scopes);
    std::vector<Scope> misses;
    auto next = found.begin(); // both are sorted
    for (const Scope& scope : scopes) {
        if (next != found.end() && next->first == scope) {
            note_hit(scope, (next++)->second);
        } else {
            misses.push_back(scope);
        }
    }
    if (!misses.empty()) {
        found.merge(resolve(misses, Purpose::read));
    }
    return found;
}

/// Counts what no other reader counts, and waits for the rest.
Counts CountReader::resolve(const std::vector<Scope>& scopes, Purpose purpose) {
    OrderStore& store = m_store();
    Wait wait(scopes);
    const Patience patience = m_begin_wait();
    Counts found;
    for (auto pause = k_first_pause;; pause = std::min(pause * 2, k_longest_pause)) {
        found.merge(claim(wait, purpose, store));
        if (wait.is_over()) {
            return found;
        }
        if (m_cache_failed) {
            found.merge(count_without_cache(store, wait.scopes(), m_reporter));
            return found;
        }
        if (settle(wait.to_settle(), store)) {
            pause = k_first_pause;
        }
        if (!patience(pause)) {
            throw wait.was_too_long(m_cache);
        }
    }
}

/// Returns the counts that are there or that no other reader counts; the rest stays in `wait`.
Counts CountReader::claim(Wait& wait, Purpose purpose, OrderStore& store) {
    const auto requests = wait.take_requests();
    const auto claims = m_cache.acquire(requests, purpose);
    Counts found;
    std::vector<Scope> ours;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const Scope& scope = requests[i].scope;
        const Claim& claim = claims[i];
        switch (claim.kind) {
        case Claim::Kind::hit:
            note_hit(scope, claim.count);
            found.emplace(scope, claim.count);
            break;
        case Claim::Kind::answer:
            m_reporter.note([&] {
                return fmt::format("Taking another process's count for {}, value is {}",
                                   m_cache.key(scope), claim.count);
            });
            found.emplace(scope, claim.count);
            break;
        case Claim::Kind::ours:
            ours.push_back(scope);
            break;
        case Claim::Kind::wait:
            wait.add(requests[i], claim);
            break;
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
        with_cache([&] { claims.remove(fill(probe, counted)); });
    }
    release(claims, probe, counted);
    return std::move(counted.counts);
}

/// Returns the counts that were filled.
Counts CountReader::fill(const Probe& probe, const Counted& counted) {
    Counts filled;
    for (const auto& [scope, count] : counted.counts) {
        if (scope.customer && !probe.writers.contains(scope)) {
            filled.emplace(scope, count);
        }
    }
    if (!filled.empty()) {
        filled = m_cache.fill(filled);
    }
    const auto total = counted.counts.find(k_all_orders);
    if (total != counted.counts.end() && fill_total(total->second, probe, counted)) {
        filled.insert(*total);
    }
    for (const auto& [scope, count] : filled) {
        m_reporter.note([&, &key = scope, &value = count] {
            return fmt::format("Caching {}, value is {}, for {} s", m_cache.key(key), value,
                               m_cache.time_to_live().count());
        });
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

/// Releases the rights to count what was not filled. A single count is shared; a list's are not,
/// for an index makes them quick.
void CountReader::release(Claims& claims, const Probe& probe, const Counted& counted) {
    const auto scopes = claims.hand_over();
    if (scopes.empty()) {
        return;
    }
    with_cache([&] {
        for (const Scope& scope : scopes) {
            m_reporter.note([&] {
                return fmt::format("Not caching {}: {}", m_cache.key(scope),
                                   reason_not_to_cache(scope, probe, counted));
            });
        }
        if (counted.counts.size() == 1) {
            m_cache.share(scopes.front(), counted.counts.at(scopes.front()));
        } else {
            m_cache.release(scopes);
        }
    });
}

/// Asks PostgreSQL what became of writers that may be dead, and tells the cache in their place.
/// Returns whether one of them was settled. The answer does not depend on it, so that a failure is
/// let pass.
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

Counts CountReader::count_after(const CacheError& error, const std::vector<Scope>& scopes) {
    leave_cache(fmt::format("{}; PostgreSQL answers", error.what()));
    return count_without_cache(m_store(), scopes, m_reporter);
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

/// Until the next question. Only the first of consecutive failures warns.
void CountReader::leave_cache(const std::string& warning) {
    m_cache_failed = true;
    if (!m_cache_had_failed) {
        m_reporter.warn(warning);
    }
}

void CountReader::note_check(const Scope& scope) {
    m_reporter.note([&] { return fmt::format("Checking cache key {}", m_cache.key(scope)); });
}

void CountReader::note_hit(const Scope& scope, std::int64_t count) {
    m_reporter.note(
        [&] { return fmt::format("Found {}, value is {}", m_cache.key(scope), count); });
}

} // namespace ordercache
