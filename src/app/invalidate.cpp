#include "app/commands.hpp"

#include "app/context.hpp"
#include "cache_aside/writer.hpp"
#include "postgres/follow_sql.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

namespace ordercache {

namespace {

std::int64_t number_cached(const std::vector<Scope>& scopes, CountCache& cache) {
    return std::ranges::count_if(cache.values(scopes),
                                 [](const auto& value) { return value.has_value(); });
}

std::int64_t drop(const Invalidate& invalidate, Context& context) {
    RedisCache& cache = context.cache();
    if (!invalidate.customer) {
        context.reporter().note("Clearing all caches");
        return invalidate.dry_run ? std::ssize(cache.cached_scopes()) : cache.drop_all();
    }
    const std::vector<Scope> scopes = {k_all_orders, Scope{*invalidate.customer}};
    note_drop(scopes, cache, context.reporter());
    return invalidate.dry_run ? number_cached(scopes, cache) : cache.drop(scopes);
}

} // namespace

ExitStatus run(const Invalidate& invalidate, Context& context) {
    switch (invalidate.mode) {
    case InvalidateMode::drop:
    case InvalidateMode::drop_stale:
        context.output().invalidated(drop(invalidate, context));
        break;
    case InvalidateMode::follow:
        follow(context);
    case InvalidateMode::print_setup_sql:
        context.output().page(follow_setup_sql());
        break;
    case InvalidateMode::print_removal_sql:
        context.output().page(follow_removal_sql());
        break;
    }
    context.output().flush();
    return ExitStatus::done;
}

} // namespace ordercache
