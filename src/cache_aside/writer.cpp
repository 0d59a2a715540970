#include "cache_aside/writer.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <exception>

namespace ordercache {

namespace {

/// Tells the cache what became of the orders. If this fails, it warns: readers ask PostgreSQL about
/// an entry that stays.
void tell_cache(CommitOutcome outcome, const WriteId& write, CountCache& cache,
                Reporter& reporter) {
    try {
        switch (outcome) {
        case CommitOutcome::committed:
            return cache.end_write(write, TransactionStatus::committed);
        case CommitOutcome::rolled_back:
            return cache.end_write(write, TransactionStatus::aborted);
        case CommitOutcome::server_lost: // the entry may be another writer's with this id
            cache.drop({k_all_orders});
            return;
        case CommitOutcome::in_doubt:
            return;
        }
    } catch (const std::exception& error) {
        reporter.warn(fmt::format("{}; the total will be counted anew", error.what()));
    }
}

} // namespace

void throw_unless_committed(const CommitEnd& end) {
    if (end.error) {
        throw Error(*end.error);
    }
}

void note_drop(const std::vector<Scope>& scopes, const CountCache& cache, Reporter& reporter) {
    reporter.note([&] {
        return scopes.size() == 2 ? fmt::format("Clearing caches for {} and {}",
                                                cache.key(scopes[0]), cache.key(scopes[1]))
                                  : fmt::format("Clearing caches for {} keys", scopes.size());
    });
}

void commit_and_update_cache(PendingOrders& orders, CountCache& cache, Reporter& reporter) {
    const auto customers = orders.changed_customers();
    if (!customers) {
        reporter.note("Clearing all caches");
        cache.drop_all();
        throw_unless_committed(orders.commit());
        return;
    }
    if (orders.counted() == 0) {
        throw_unless_committed(orders.commit());
        return;
    }
    std::vector<Scope> changed = {k_all_orders};
    changed.insert(changed.end(), customers->begin(), customers->end());
    note_drop(changed, cache, reporter);
    const WriteId write = orders.write_id();
    const bool is_entered = cache.begin_write(write, orders.counted(), *customers);
    const CommitEnd end = orders.commit();
    if (is_entered) {
        tell_cache(end.outcome, write, cache, reporter);
    }
    throw_unless_committed(end);
}

} // namespace ordercache
