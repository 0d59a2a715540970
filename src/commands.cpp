#include "commands.hpp"

#include "error.hpp"
#include "key_names.hpp"
#include "output.hpp"
#include "postgres_store.hpp"
#include "redis_cache.hpp"
#include "waiting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <variant>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds k_patience_without_limit = 15s;

/// What a command works with. The cache and the store are made when they are needed, for only then
/// are their variables wanted.
class Desk {
public:
    Desk(const Invocation& invocation, const Config& config, Journal& journal)
        : m_output(invocation.format), m_journal(journal), m_config(config),
          m_limit(TimeLimit::whole(invocation.timeout)) {}

    Output& output() { return m_output; }
    Journal& journal() { return m_journal; }

    RedisCache& cache() {
        if (!m_cache) {
            m_cache.emplace(m_config.redis(), m_limit, KeyNames(m_config.key_prefix()),
                            m_config.time_to_live(), m_journal);
        }
        return *m_cache;
    }

    PostgresStore& store() {
        if (!m_store) {
            m_store.emplace(m_config.postgres(), m_limit, m_journal);
        }
        return *m_store;
    }

    CacheAside cache_aside() {
        return {cache(), [this]() -> OrderStore& { return store(); }, m_journal, pause_for,
                patience()};
    }

private:
    /// Half of the user's time for another reader's answer, so that half is left for our own.
    std::chrono::milliseconds patience() const {
        return m_limit.limit() ? *m_limit.limit() / 2 : k_patience_without_limit;
    }

    Output m_output;
    Journal& m_journal;
    const Config& m_config;
    TimeLimit m_limit;
    std::optional<RedisCache> m_cache;
    std::optional<PostgresStore> m_store;
};

std::vector<std::int64_t> counts(const std::vector<Scope>& scopes, CacheUse use, Desk& desk) {
    if (use == CacheUse::none) {
        return counts_from_store(desk.store(), scopes, desk.journal());
    }
    CacheAside cache_aside = desk.cache_aside();
    return use == CacheUse::refresh ? cache_aside.refresh(scopes) : cache_aside.counts(scopes);
}

void answer(const Count& count, Desk& desk) {
    if (count.customers.size() <= 1) {
        const Scope scope = count.customers.empty() ? k_all_orders : Scope{count.customers.front()};
        desk.output().count(counts({scope}, count.cache, desk).front());
        return;
    }
    const std::vector<Scope> scopes(count.customers.begin(), count.customers.end());
    const auto found = counts(scopes, count.cache, desk);
    for (std::size_t i = 0; i < found.size(); ++i) {
        desk.output().customer_count(count.customers[i], found[i]);
    }
}

ExitStatus run(const Count& count, Desk& desk) {
    answer(count, desk);
    desk.output().flush();
    return ExitStatus::done;
}

void write_without_cache(PendingOrders& orders, Desk& desk) {
    desk.journal().warn("the cache is left as it is: counts may lag until their time to live ends");
    orders.commit();
}

/// Whatever would fail, fails now; nothing is written.
void rehearse(PendingOrder& order, const Add& add, Desk& desk) {
    order.check();
    if (add.use_cache) {
        desk.cache().cached(order.changed().value());
    }
}

/// The order is committed: whoever asked must learn its number, by the error if not by stdout.
void tell_added(CustomerId customer, OrderId id, Desk& desk) {
    try {
        desk.output().order_added(customer, id);
        desk.output().flush();
    } catch (const Error& error) {
        throw Error(ExitStatus::look_first,
                    fmt::format("order {} is committed, but {}", id, error.what()));
    }
}

ExitStatus run(const Add& add, Desk& desk) {
    if (add.use_cache) {
        desk.cache().connect();
    }
    desk.journal().note(fmt::format("Adding order for customer {}", add.order->customer));
    const auto order = desk.store().insert(*add.order);
    if (add.dry_run) {
        rehearse(*order, add, desk);
        desk.output().order_added(order->customer(), order->id());
        desk.output().flush();
        return ExitStatus::done;
    }
    if (add.use_cache) {
        desk.cache_aside().commit(*order);
    } else {
        write_without_cache(*order, desk);
    }
    desk.journal().note(fmt::format("Added new order {}", order->id()));
    tell_added(order->customer(), order->id(), desk);
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
