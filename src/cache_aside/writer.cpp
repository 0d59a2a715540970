#include "cache_aside/writer.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

namespace ordercache {

namespace {

/// What became of the orders stands, whatever becomes of the cache: where it cannot be told, the
/// total is counted anew.
template <typename Act>
void tell_cache(Reporter& reporter, Act act) {
    try {
        act();
    } catch (const CacheError& error) {
        reporter.warn(fmt::format("{}; the total will be counted anew", error.what()));
    }
}

/// Where the store itself failed, it may have crashed, and the transaction's id be that of another
/// writer, for whom the ledger would then take this one.
void end_failed_write(const WriteId& write, ErrorKind kind, CountCache& cache) {
    if (kind == ErrorKind::store_failed) {
        cache.drop({k_all_orders});
    } else if (kind != ErrorKind::in_doubt) {
        cache.end_write(write, TransactionStatus::aborted);
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
    const WriteId write = orders.write_id();
    const bool is_entered = cache.begin_write(write, orders.size(), *customers);
    try {
        orders.commit();
    } catch (const Error& error) {
        if (is_entered) {
            tell_cache(reporter, [&] { end_failed_write(write, error.kind(), cache); });
        }
        throw;
    }
    if (is_entered) {
        tell_cache(reporter, [&] { cache.end_write(write, TransactionStatus::committed); });
    }
}

} // namespace ordercache
