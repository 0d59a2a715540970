#include "cache_aside/audit.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

/// Each is longer than another program's write takes to reach the cache. No two are the same, since
/// that program may write at regular intervals.
constexpr std::array<std::chrono::milliseconds, 3> k_pauses = {130ms, 210ms, 340ms};

/// How many looks must find a total off by the same number before it is wrong, if writes change it
/// between the looks. A follower that lags may be as far behind several times by chance.
constexpr std::size_t k_looks_while_changing = 10;

/// How long to wait for a write that hides the total, and for how many such writes.
constexpr std::chrono::milliseconds k_change_pause = 20ms;
constexpr int k_most_changes = 25;

/// Few enough that hardly any value changes between the look at it and the snapshot.
constexpr std::size_t k_customers_at_once = 5000;

const Counted& checked(const Counted& counted) {
    if (counted.on_standby) {
        throw Error(ErrorKind::store_failed,
                    "this PostgreSQL is a standby, whose counts may lag: name the primary in "
                    "PG_SERVICE_URI");
    }
    return counted;
}

/// Returns by how much the value is too large, or nullopt if it is not a count.
std::optional<std::int64_t> excess_of(const StaleCount& compared) {
    return compared.cached ? std::optional(*compared.cached - compared.counted) : std::nullopt;
}

bool is_certain(const std::vector<StaleCount>& looks) {
    const bool has_changed = std::ranges::any_of(
        looks, [&](const StaleCount& look) { return look.cached != looks.front().cached; });
    return looks.size() > (has_changed ? k_looks_while_changing - 1 : k_pauses.size());
}

std::vector<Scope> scopes_of(const std::vector<StaleCount>& counts) {
    std::vector<Scope> scopes;
    std::ranges::transform(counts, std::back_inserter(scopes), &StaleCount::scope);
    return scopes;
}

/// Returns the counts in `now` that have the same value in `before`. Such a value was there before
/// and after the snapshot that it was compared with, since a customer's value is dropped and never
/// changed.
std::vector<StaleCount> unchanged(const std::vector<StaleCount>& before,
                                  const std::vector<StaleCount>& now) {
    const auto value = [](const StaleCount& count) { return std::pair(count.scope, count.cached); };
    std::vector<StaleCount> same;
    std::ranges::set_intersection(now, before, std::back_inserter(same), {}, value, value);
    return same;
}

} // namespace

std::optional<StaleCount> Audit::stale_total() {
    std::vector<StaleCount> looks;
    for (int changes = 0; changes < k_most_changes;) {
        const auto value = m_cache.values({k_all_orders}).front();
        if (!value && !m_cache.has_ledger()) {
            return std::nullopt;
        }
        const auto compared = value ? compare_total(*value) : std::nullopt;
        if (!compared) {
            ++changes;
            m_pause(k_change_pause);
            continue;
        }
        const auto excess = excess_of(*compared);
        if (excess == 0 || (!looks.empty() && excess != excess_of(looks.front()))) {
            return std::nullopt;
        }
        looks.push_back(*compared);
        if (is_certain(looks)) {
            return looks.back();
        }
        m_pause(k_pauses[(looks.size() - 1) % k_pauses.size()]);
    }
    return std::nullopt;
}

/// Returns nullopt if the value changed meanwhile. The snapshot is taken between two looks at the
/// value. The count follows after them: it may take long, and a write could change the value
/// meanwhile.
std::optional<StaleCount> Audit::compare_total(const CachedValue& value) {
    const auto counted = m_store.count_total(
        [&] { return m_cache.values({k_all_orders}).front() == std::optional(value); });
    if (!counted) {
        return std::nullopt;
    }
    return StaleCount{k_all_orders, value.count, checked(*counted).counts.at(k_all_orders)};
}

std::vector<StaleCount> Audit::stale_customers(const std::vector<Scope>& customers) {
    std::vector<StaleCount> stale = differing_customers(customers);
    for (const auto length : k_pauses) {
        if (stale.empty()) {
            break;
        }
        m_pause(length);
        stale = unchanged(stale, differing_customers(scopes_of(stale)));
    }
    return stale;
}

std::vector<StaleCount> Audit::differing_customers(const std::vector<Scope>& customers) {
    std::vector<StaleCount> differing;
    in_pieces(customers, k_customers_at_once, [&](const std::vector<Scope>& piece) {
        const auto values = m_cache.values(piece);
        const Counted counted = m_store.count(piece, {});
        for (std::size_t i = 0; i < piece.size(); ++i) {
            if (values[i] && values[i]->count != checked(counted).counts.at(piece[i])) {
                differing.push_back({piece[i], values[i]->count, counted.counts.at(piece[i])});
            }
        }
    });
    return differing;
}

} // namespace ordercache
