#include "app/commands.hpp"

#include "app/context.hpp"
#include "base/waiting.hpp"
#include "cache_aside/audit.hpp"
#include "cache_aside/writer.hpp"
#include "postgres/follow_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

namespace ordercache {

namespace {

std::int64_t number_cached(const std::vector<Scope>& scopes, CountCache& cache) {
    return std::ranges::count_if(cache.values(scopes),
                                 [](const auto& value) { return value.has_value(); });
}

/// Drops the counts first: after end_following() reads trust what is cached.
std::int64_t drop_all(RedisCache& cache) {
    const std::int64_t dropped = cache.drop_all();
    cache.end_following();
    return dropped;
}

std::int64_t drop(const Invalidate& invalidate, Context& context) {
    RedisCache& cache = context.cache();
    if (!invalidate.customer) {
        context.reporter().note("Clearing all caches");
        return invalidate.dry_run ? std::ssize(cache.scopes()) : drop_all(cache);
    }
    const std::vector<Scope> scopes = {k_all_orders, Scope{*invalidate.customer}};
    note_drop(scopes, cache, context.reporter());
    return invalidate.dry_run ? number_cached(scopes, cache) : cache.drop(scopes);
}

std::string described(const StaleCount& stale, const CountCache& cache) {
    const std::string value = stale.cached ? std::to_string(*stale.cached) : "not a count";
    return fmt::format("{} is stale: its value is {}, PostgreSQL has {}", cache.key(stale.scope),
                       value, stale.counted);
}

/// The total that PostgreSQL keeps for a follower's readers is not a cached count: none is dropped.
void mend_known_total(PostgresStore& store, bool dry_run, Reporter& reporter) {
    if (const auto wrong = store.wrong_known_total()) {
        const char* then = dry_run                      ? ""
                           : store.forget_known_total() ? "; it will be counted anew"
                                                        : "; start the follower anew";
        reporter.warn(fmt::format("the known total is wrong: it is {}, and PostgreSQL has {}{}",
                                  wrong->known, wrong->counted, then));
    }
}

std::int64_t drop_stale(const Invalidate& invalidate, Context& context) {
    RedisCache& cache = context.cache();
    Audit audit(cache, context.store(), pause_for);
    const auto customers = invalidate.customer ? std::vector{Scope{invalidate.customer}}
                                               : customers_in(cache.scopes());
    context.reporter().note([&] {
        return fmt::format("Comparing {} and {} more with PostgreSQL", cache.key(k_all_orders),
                           customers.size());
    });
    std::vector<StaleCount> stale = audit.stale_customers(customers);
    if (const auto total = audit.stale_total()) {
        stale.insert(stale.begin(), *total);
    }
    std::vector<Scope> to_drop;
    for (const StaleCount& count : stale) {
        context.reporter().note([&] { return described(count, cache); });
        to_drop.push_back(count.scope);
    }
    if (!invalidate.dry_run) {
        cache.drop(to_drop);
    }
    mend_known_total(context.store(), invalidate.dry_run, context.reporter());
    return std::ssize(to_drop);
}

} // namespace

bool run(const Invalidate& invalidate, Context& context) {
    switch (invalidate.mode) {
    case InvalidateMode::drop:
        context.output().invalidated(drop(invalidate, context));
        break;
    case InvalidateMode::drop_stale:
        context.output().invalidated(drop_stale(invalidate, context));
        break;
    case InvalidateMode::follow:
        context.cache(); // first, since its error names both variables
        follow(context); // ends by an exception
    case InvalidateMode::print_setup_sql:
        context.output().page(follow_setup_sql(context.config().orders()));
        break;
    case InvalidateMode::print_removal_sql:
        context.output().page(follow_removal_sql(follow_schema(context.config().key_prefix())));
        break;
    }
    context.output().flush();
    return true;
}

} // namespace ordercache
