#include "cache_aside/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_first_pause = 2ms;
constexpr std::chrono::milliseconds k_longest_pause = 100ms;

constexpr auto k_store_counts = "Waiting for PostgreSQL to count the orders";

void note_look_up(const std::vector<Scope>& scopes, Reporter& reporter) {
    for (const Scope& scope : scopes) {
        reporter.note([&] {
            return scope.customer
                       ? fmt::format("Looking up orders for customer {}", scope.customer->text)
                       : "Looking up all orders";
        });
    }
}

Counts count_without_cache(OrderStore& store, const std::vector<Scope>& scopes,
                           Reporter& reporter) {
    note_look_up(scopes, reporter);
    StatusLine status(reporter);
    return store.count(scopes, [&] { status.show(k_store_counts); }).counts;
}

const char* what_is_waited_for(const Claim& claim) {
    return claim.is_being_counted ? "Waiting for another process to count the orders"
                                  : "Waiting for orders that are being added";
}

const char* reason_not_to_cache(const Scope& scope, const Probe& probe, const Counted& counted) {
    return probe.on_standby || counted.on_standby
               ? "this PostgreSQL is a standby, whose counts may lag"
           : probe.writers.contains(scope) ? "a write may be in flight"
                                           : "it may have changed meanwhile";
}

std::vector<Scope> scopes_in(const Claims& claims, Claim::Kind kind) {
    std::vector<Scope> scopes;
    for (const auto& [scope, claim] : claims) {
        if (claim.kind == kind) {
            scopes.push_back(scope);
        }
    }
    return scopes;
}

bool is_final(TransactionStatus status) {
    return status == TransactionStatus::committed || status == TransactionStatus::aborted;
}

} // namespace

std::vector<std::int64_t> counts_from_store(OrderStore& store, const std::vector<Scope>& scopes,
                                            Reporter& reporter) {
    return in_order_of(scopes, count_without_cache(store, without_repeats(scopes), reporter));
}

CountReader::CountReader(CountCache& cache, std::function<OrderStore&()> store, Reporter& reporter,
                         TimeLimit limit, Pause pause)
    : m_cache(cache), m_store(std::move(store)), m_reporter(reporter), m_limit(limit),
      m_pause(std::move(pause)) {}

std::vector<std::int64_t> CountReader::counts(const std::vector<Scope>& scopes, Purpose purpose) {
    m_cache_had_failed = std::exchange(m_cache_failed, false);
    try {
        const auto wanted = without_repeats(scopes);
        const bool is_read = purpose == Purpose::read;
        return in_order_of(scopes, is_read ? cached_or_counted(wanted) : resolve(wanted, purpose));
    } catch (const CacheError& error) {
        leave_cache(fmt::format("{}; PostgreSQL answers", error.what()));
        return counts_from_store(m_store(), scopes, m_reporter);
    }
}

Counts CountReader::cached_or_counted(const std::vector<Scope>& scopes) {
    for (const Scope& scope : scopes) {
        m_reporter.note([&] { return fmt::format("Checking cache key {}", m_cache.key(scope)); });
    }
    auto cached = m_cache.get(scopes);
    if (!cached) {
        return resolve(scopes, Purpose::refresh);
    }
    Counts found = std::move(*cached);
    for (const auto& [scope, count] : found) {
        note_count("Found", scope, count);
    }
    if (found.size() < scopes.size()) {
        std::vector<Scope> misses;
        std::ranges::copy_if(scopes, std::back_inserter(misses),
                             [&](const Scope& scope) { return !found.contains(scope); });
        found.merge(resolve(misses, Purpose::read));
    }
    return found;
}

/// Counts what no other reader counts, and waits for the rest.
Counts CountReader::resolve(const std::vector<Scope>& scopes, Purpose purpose) {
    OrderStore& store = m_store();
    const Deadline deadline = m_limit.deadline();
    StatusLine status(m_reporter);
    Claims claims;
    for (const Scope& scope : scopes) {
        claims.try_emplace(scope);
    }
    Counts found;
    for (auto pause = k_first_pause;; pause = std::min(pause * 2, k_longest_pause)) {
        claims = m_cache.acquire(claims, purpose);
        found.merge(counts_in(claims));
        found.merge(count_and_fill(scopes_in(claims, Claim::Kind::ours), store, status));
        std::erase_if(claims,
                      [](const auto& claim) { return claim.second.kind != Claim::Kind::wait; });
        if (claims.empty()) {
            return found;
        }
        if (m_cache_failed) {
            found.merge(
                count_without_cache(store, scopes_in(claims, Claim::Kind::wait), m_reporter));
            return found;
        }
        if (settle(claims, store)) {
            pause = k_first_pause;
        }
        status.show(what_is_waited_for(claims.begin()->second));
        m_pause(pause);
        if (deadline.passed()) {
            const auto& [scope, claim] = *claims.begin();
            throw waited_too_long(scope, claim);
        }
    }
}

/// Returns the counts that are cached, or that another reader left.
Counts CountReader::counts_in(const Claims& claims) {
    Counts counts;
    for (const auto& [scope, claim] : claims) {
        const bool is_hit = claim.kind == Claim::Kind::hit;
        if (is_hit || claim.kind == Claim::Kind::answer) {
            note_count(is_hit ? "Found" : "Taking another process's count for", scope, claim.count);
            counts.emplace(scope, claim.count);
        }
    }
    return counts;
}

Error CountReader::waited_too_long(const Scope& scope, const Claim& claim) const {
    return {ErrorKind::store_failed,
            fmt::format("timed out waiting for {}: {}; use a longer --timeout", m_cache.key(scope),
                        claim.is_being_counted ? "another process is still counting in PostgreSQL"
                                               : "orders are still being added")};
}

/// Counts what this reader has the right to count.
Counts CountReader::count_and_fill(const std::vector<Scope>& scopes, OrderStore& store,
                                   StatusLine& status) {
    if (scopes.empty()) {
        return {};
    }
    try {
        const auto renew = [&] {
            status.show(k_store_counts);
            with_cache([&] { m_cache.renew(scopes); });
        };
        const Probe probe = store.probe(scopes, renew);
        note_look_up(scopes, m_reporter);
        Counted counted = store.count(scopes, renew);
        with_cache([&] { release(probe, counted, fill(probe, counted)); });
        return std::move(counted.counts);
    } catch (...) {
        give_up(scopes);
        throw;
    }
}

/// Releases the rights to count, when an exception ends the look-up.
void CountReader::give_up(const std::vector<Scope>& scopes) {
    try {
        m_cache.release(scopes);
    } catch (...) {
        return; // what cannot be released now expires by itself
    }
}

/// Returns the counts that were stored.
Counts CountReader::fill(const Probe& probe, const Counted& counted) {
    if (probe.on_standby || counted.on_standby) {
        return {};
    }
    Counts customers = counted.counts;
    std::erase_if(customers, [&](const auto& count) {
        return !count.first.customer || probe.writers.contains(count.first);
    });
    Counts stored = m_cache.fill(customers);
    const auto total = counted.counts.find(k_all_orders);
    if (total != counted.counts.end()) {
        const auto writers = probe.writers.find(k_all_orders);
        const bool is_stored = m_cache.fill_total(
            total->second, counted.snapshot,
            writers == probe.writers.end() ? std::vector<std::uint32_t>{} : writers->second,
            [&] { return m_store().has_run_since(counted); });
        if (is_stored) {
            stored.insert(*total);
        }
    }
    for (const auto& [scope, count] : stored) {
        m_reporter.note([&, &key = scope, &value = count] {
            return fmt::format("Caching {}, value is {}, for {} s", m_cache.key(key), value,
                               m_cache.time_to_live().count());
        });
    }
    return stored;
}

/// Releases the rights to count what was not stored. A single count is shared. A list's counts are
/// not, since an index makes them quick.
void CountReader::release(const Probe& probe, const Counted& counted, const Counts& stored) {
    std::vector<Scope> rest;
    for (const auto& [scope, count] : counted.counts) {
        if (!stored.contains(scope)) {
            rest.push_back(scope);
            m_reporter.note([&, &key = scope] {
                return fmt::format("Not caching {}: {}", m_cache.key(key),
                                   reason_not_to_cache(key, probe, counted));
            });
        }
    }
    if (rest.size() == 1 && counted.counts.size() == 1) {
        m_cache.share(rest.front(), counted.counts.at(rest.front()));
    } else if (!rest.empty()) {
        m_cache.release(rest);
    }
}

/// Asks PostgreSQL what became of writers that may be dead, and tells the cache in their place.
/// Returns whether one of them was settled. The answer does not depend on this, so a failure is
/// ignored.
bool CountReader::settle(const Claims& claims, OrderStore& store) {
    bool settled = false;
    try {
        for (const auto& [scope, claim] : claims) {
            for (const WriteId& write : claim.to_settle) {
                const TransactionStatus status = store.status_of(write);
                if (is_final(status)) {
                    m_cache.end_write(write, status);
                    settled = true;
                }
            }
        }
    } catch (const Error&) {
        return settled;
    }
    return settled;
}

/// Runs an act that the answer does not depend on: if the cache fails, it warns.
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

/// Uses the cache no more until the next question. Only the first of consecutive failures warns.
void CountReader::leave_cache(const std::string& warning) {
    m_cache_failed = true;
    if (!m_cache_had_failed) {
        m_reporter.warn(warning);
    }
}

void CountReader::note_count(const char* what, const Scope& scope, std::int64_t count) {
    m_reporter.note(
        [&] { return fmt::format("{} {}, value is {}", what, m_cache.key(scope), count); });
}

} // namespace ordercache
