#include "app/commands.hpp"

#include "app/context.hpp"
#include "base/error.hpp"
#include "base/status_line.hpp"
#include "cache_aside/writer.hpp"
#include "io/console.hpp"
#include "io/order_file.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ordercache {

namespace {

CacheUpdate update_for(const Add& add) {
    return add.use_cache ? CacheUpdate::by_writer : CacheUpdate::by_follower;
}

/// Makes everything that would fail in a commit fail now, and writes nothing.
void rehearse(InsertedOrders& orders, const Add& add, Context& context) {
    orders.check();
    if (add.use_cache) {
        context.cache().values({k_all_orders});
    }
}

void write(InsertedOrders& orders, const Add& add, Context& context) {
    if (add.dry_run) {
        rehearse(orders, add, context);
    } else if (add.use_cache) {
        commit_and_update_cache(orders, context.cache(), context.reporter());
    } else {
        context.reporter().warn(
            "the cache is left as it is: counts may lag until their time to live ends");
        throw_unless_committed(orders.commit());
    }
}

/// Reads the configuration of both services before it contacts one.
void connect_cache(const Add& add, Context& context) {
    if (add.use_cache) {
        RedisCache& cache = context.cache();
        context.store();
        cache.connect();
    }
}

/// Returns what was committed. The answer is in the output's buffer.
std::string add_order(const Add& add, Context& context) {
    connect_cache(add, context);
    context.reporter().note(
        [&] { return fmt::format("Adding order for customer {}", add.order->customer.text); });
    const auto orders = context.store().begin_orders(update_for(add));
    orders->add({*add.order});
    orders->finish();
    const OrderId id = orders->id();
    write(*orders, add, context);
    if (!add.dry_run) {
        context.reporter().note([&] { return fmt::format("Added new order {}", id); });
    }
    context.output().order_added(orders->customer(), context.config().customer_type(), id);
    return fmt::format("order {} is", id);
}

/// Inserts `orders`, the first of the file, which are read and checked before a service is
/// contacted, and then the rest of the file.
std::unique_ptr<InsertedOrders> insert(OrderFile& file, std::vector<Order> orders, const Add& add,
                                       Context& context) {
    connect_cache(add, context);
    context.reporter().note("Adding orders");
    auto inserted = context.store().begin_orders(update_for(add));
    StatusLine progress(context.reporter());
    for (; !orders.empty(); orders = file.next()) {
        inserted->add(std::move(orders));
        progress.show(progress_bar(inserted->size(), "orders", file.part_read()));
    }
    inserted->finish();
    return inserted;
}

/// As add_order.
std::string add_file(const Add& add, Context& context) {
    OrderFile file(*add.from, context.config().customer_type(), context.stream_limit());
    auto first = file.next();
    std::int64_t size = 0;
    if (!first.empty()) {
        const auto orders = insert(file, std::move(first), add, context);
        write(*orders, add, context);
        size = orders->size();
    }
    if (!add.dry_run) {
        context.reporter().note([&] { return fmt::format("Added {} new orders", size); });
    }
    context.output().orders_added(size);
    return fmt::format("{} orders are", size);
}

} // namespace

bool run(const Add& add, Context& context) {
    const std::string committed = add.from ? add_file(add, context) : add_order(add, context);
    try {
        context.output().flush();
    } catch (const std::exception& error) {
        if (add.dry_run) {
            throw;
        }
        // The user must learn what was committed: from the error, if not from stdout.
        throw Error(ErrorKind::in_doubt,
                    fmt::format("{} committed, but {}", committed, error.what()));
    }
    return true;
}

} // namespace ordercache
