#include "cache_aside/writer.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

namespace ordercache {

namespace {

/// The orders stand, whatever becomes of the cache: without this the total is counted anew.
void end_write(TransactionId transaction, TransactionStatus status, CountCache& cache,
               Reporter& reporter) {
    try {
        cache.end_write(transaction, status);
    } catch (const CacheError& error) {
        reporter.warn(fmt::format("{}; the total will be counted anew", error.what()));
    }
}

} // namespace

void note_drop(const std::vector<Scope>& scopes, const CountCache& cache, Reporter& reporter) {
    reporter.note([&] {
        return scopes.size() == 2 ? fmt::format("Clearing caches for {} and {}",
                                                cache.key(scopes[0]), cache.key(scopes[1]))
                                  : fmt::format("Clearing caches for {} keys", scopes.size());
    });
}

void commit(PendingOrders& orders, CountCache& cache, Reporter& reporter) {
    const auto customers = orders.changed_customers();
    if (!customers) {
        reporter.note("Clearing all caches");
        cache.drop_all();
        orders.commit();
        return;
    }
    std::vector<Scope> changed = {k_all_orders};
    changed.insert(changed.end(), customers->begin(), customers->end());
    note_drop(changed, cache, reporter);
    const Written written = orders.written();
    const bool is_entered = cache.begin_write(written, orders.size(), *customers);
    try {
        orders.commit();
    } catch (const Error& error) {
        if (is_entered && error.status() != ExitStatus::look_first) {
            end_write(written.transaction, TransactionStatus::aborted, cache, reporter);
        }
        throw;
    }
    if (is_entered) {
        end_write(written.transaction, TransactionStatus::committed, cache, reporter);
    }
}

} // namespace ordercache
