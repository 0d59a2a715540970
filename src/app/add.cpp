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

void write_without_cache(PendingOrders& orders, Context& context) {
    context.reporter().warn(
        "the cache is left as it is: counts may lag until their time to live ends");
    throw_unless_committed(orders.commit());
}

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
        write_without_cache(orders, context);
    }
}

/// The user must learn what was committed: from the error, if not from stdout.
template <typename Tell>
void tell(const Add& add, const std::string& what, Context& context, Tell tell_output) {
    try {
        tell_output(context.output());
        context.output().flush();
    } catch (const std::exception& error) {
        if (add.dry_run) {
            throw;
        }
        throw Error(ErrorKind::in_doubt, fmt::format("{} committed, but {}", what, error.what()));
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

void add_order(const Add& add, Context& context) {
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
    tell(add, fmt::format("order {} is", id), context, [&](Output& output) {
        output.order_added(orders->customer(), context.customer_type(), id);
    });
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

void add_file(const Add& add, Context& context) {
    OrderFile file(*add.from, context.customer_type(), context.stream_limit());
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
    tell(add, fmt::format("{} orders are", size), context,
         [&](Output& output) { output.orders_added(size); });
}

} // namespace

bool run(const Add& add, Context& context) {
    if (add.from) {
        add_file(add, context);
    } else {
        add_order(add, context);
    }
    return true;
}

} // namespace ordercache
