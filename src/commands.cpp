#include "commands.hpp"

#include "customer_list.hpp"
#include "desk.hpp"
#include "error.hpp"
#include "order_file.hpp"
#include "output.hpp"
#include "progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <utility>
#include <variant>

namespace ordercache {

namespace {

/// Computes the counts of a piece, the same way for each piece of a command.
using Counting = std::function<std::vector<std::int64_t>(const std::vector<Scope>&)>;

Counting counting(CacheUse use, Desk& desk) {
    if (use == CacheUse::none) {
        return [&](const std::vector<Scope>& scopes) {
            return counts_from_store(desk.store(), scopes, desk.journal());
        };
    }
    const auto counts = use == CacheUse::refresh ? &CacheAside::refresh : &CacheAside::counts;
    return [counts, cache_aside = std::make_shared<CacheAside>(desk.cache_aside())](
               const std::vector<Scope>& scopes) { return ((*cache_aside).*counts)(scopes); };
}

void answer(const std::vector<CustomerId>& customers, const Counting& counting, Desk& desk) {
    const auto counts = counting({customers.begin(), customers.end()});
    for (std::size_t i = 0; i < counts.size(); ++i) {
        desk.output().customer_count(customers[i], counts[i]);
    }
}

/// Each piece is written before the next is read: what fails later takes no answer along.
void answer_list(const Count& count, Desk& desk) {
    CustomerList list(*count.customers_from);
    const Counting counting = ordercache::counting(count.cache, desk);
    Progress progress("customers", desk.journal());
    std::int64_t answered = 0;
    for (auto customers = list.next(); !customers.empty(); customers = list.next()) {
        answer(customers, counting, desk);
        progress.hide();
        desk.output().flush();
        answered += std::ssize(customers);
        progress.show({answered, list.bytes(), list.size()});
    }
}

void answer_given(const Count& count, Desk& desk) {
    const Counting counting = ordercache::counting(count.cache, desk);
    for (auto rest = std::span(count.customers); !rest.empty();) {
        const auto piece = rest.first(std::min(rest.size(), k_customers_at_once));
        answer({piece.begin(), piece.end()}, counting, desk);
        desk.output().flush();
        rest = rest.subspan(piece.size());
    }
}

ExitStatus run(const Count& count, Desk& desk) {
    if (count.customers_from) {
        answer_list(count, desk);
    } else if (count.customers.size() > 1) {
        answer_given(count, desk);
    } else {
        const Scope scope = count.customers.empty() ? k_all_orders : Scope{count.customers.front()};
        desk.output().count(counting(count.cache, desk)({scope}).front());
    }
    desk.output().flush();
    return ExitStatus::done;
}

void write_without_cache(PendingOrders& orders, Desk& desk) {
    desk.journal().warn("the cache is left as it is: counts may lag until their time to live ends");
    orders.commit();
}

/// Whatever would fail, fails now; nothing is written.
void rehearse(StoredOrders& orders, const Add& add, Desk& desk) {
    orders.check();
    if (add.use_cache) {
        desk.cache().cached({k_all_orders});
    }
}

void write(StoredOrders& orders, const Add& add, Desk& desk) {
    if (add.dry_run) {
        rehearse(orders, add, desk);
    } else if (add.use_cache) {
        desk.cache_aside().commit(orders);
    } else {
        write_without_cache(orders, desk);
    }
}

/// Once orders are committed, whoever asked must learn what they are: by the error if not by
/// stdout.
template <typename Tell>
void tell(const Add& add, const std::string& what, Desk& desk, Tell tell_output) {
    try {
        tell_output(desk.output());
        desk.output().flush();
    } catch (const Error& error) {
        if (add.dry_run) {
            throw;
        }
        throw Error(ExitStatus::look_first,
                    fmt::format("{} committed, but {}", what, error.what()));
    }
}

void add_order(const Add& add, Desk& desk) {
    if (add.use_cache) {
        desk.cache().connect();
    }
    desk.journal().note(fmt::format("Adding order for customer {}", add.order->customer));
    const auto order = desk.store().insert(*add.order);
    write(*order, add, desk);
    if (!add.dry_run) {
        desk.journal().note(fmt::format("Added new order {}", order->id()));
    }
    tell(add, fmt::format("order {} is", order->id()), desk,
         [&](Output& output) { output.order_added(order->customer(), order->id()); });
}

/// Has a first piece of the file been found good: nothing is contacted before.
std::unique_ptr<PendingBatch> copy(OrderFile& file, std::vector<Order> orders, const Add& add,
                                   Desk& desk) {
    if (add.use_cache) {
        desk.cache().connect();
    }
    desk.journal().note("Adding orders");
    auto batch = desk.store().begin_batch();
    Progress progress("orders", desk.journal());
    for (; !orders.empty(); orders = file.next()) {
        batch->copy(orders);
        progress.show({batch->size(), file.bytes(), file.size()});
    }
    batch->finish();
    return batch;
}

void add_file(const Add& add, Desk& desk) {
    OrderFile file(*add.from);
    auto first = file.next();
    std::int64_t size = 0;
    if (!first.empty()) {
        const auto batch = copy(file, std::move(first), add, desk);
        write(*batch, add, desk);
        size = batch->size();
    }
    if (!add.dry_run) {
        desk.journal().note(fmt::format("Added {} new orders", size));
    }
    tell(add, fmt::format("{} orders are", size), desk,
         [&](Output& output) { output.orders_added(size); });
}

ExitStatus run(const Add& add, Desk& desk) {
    if (add.from) {
        add_file(add, desk);
    } else {
        add_order(add, desk);
    }
    return ExitStatus::done;
}

std::int64_t drop(const Invalidate& invalidate, Desk& desk) {
    RedisCache& cache = desk.cache();
    if (!invalidate.customer) {
        desk.journal().note("Clearing all caches");
        return invalidate.dry_run ? cache.cached_of_all() : cache.drop_all();
    }
    const std::vector<Scope> scopes = {k_all_orders, Scope{*invalidate.customer}};
    note_drop(scopes, cache, desk.journal());
    return invalidate.dry_run ? cache.cached(scopes) : cache.drop(scopes);
}

ExitStatus run(const Invalidate& invalidate, Desk& desk) {
    desk.output().invalidated(drop(invalidate, desk));
    desk.output().flush();
    return ExitStatus::done;
}

ExitStatus run(const Ttl& ttl, Desk& desk) {
    const auto left = desk.cache().time_left(Scope{ttl.customer});
    desk.output().time_to_live(left);
    desk.output().flush();
    return left ? ExitStatus::done : ExitStatus::no;
}

} // namespace

ExitStatus run(const Invocation& invocation, const Config& config, Journal& journal) {
    Desk desk(invocation, config, journal);
    return std::visit([&](const auto& command) { return run(command, desk); }, invocation.command);
}

} // namespace ordercache
