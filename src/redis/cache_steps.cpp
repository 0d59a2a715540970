#include "redis/cache.hpp"

#include "base/error.hpp"
#include "base/uri.hpp"
#include "base/whole_number.hpp"
#include "redis/reply_check.hpp"
#include "redis/scripts.hpp"

#include <fmt/format.h>

#include <unistd.h>
#if __has_include(<sys/random.h>)
#include <sys/random.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>

namespace ordercache {

/// The script for customers, and the script for the total.
struct RedisCache::Step {
    const char* of_customers;
    const char* of_total;
};

namespace {

using namespace std::chrono_literals;

/// Instead of the user's limit, so that a lease is released even if that has passed.
constexpr std::chrono::milliseconds k_release_timeout = 500ms;

/// Few enough that a script does not keep other clients waiting.
constexpr std::size_t k_script_transactions = 500;

/// 128 random bits from the system, by which a lease knows its owner. The standard library takes
/// them from the processor, and not each of those gives random ones.
std::string random_token() {
    std::array<std::uint64_t, 2> bits{};
    if (getentropy(bits.data(), sizeof bits) != 0) {
        throw std::system_error(errno, std::generic_category(), "getentropy");
    }
    return fmt::format("{:016x}{:016x}", bits[0], bits[1]);
}

std::string name_of(const WriteId& write) {
    return fmt::format("{}:{}", write.transaction, write.order.value_or(""));
}

template <typename Value>
std::vector<Scope> scopes_of(const std::map<Scope, Value>& map) {
    std::vector<Scope> scopes;
    for (const auto& [scope, value] : map) {
        scopes.push_back(scope);
    }
    return scopes;
}

/// Parses a writer's name in the ledger: `ID:ORDER`, where ORDER may be empty.
std::optional<WriteId> write_id_in(std::string_view name) {
    const auto [transaction, order] = cut(name, ':');
    const auto id = parse_whole_number(transaction);
    if (!id || !order) {
        return std::nullopt;
    }
    WriteId write{.transaction = static_cast<TransactionId>(*id)};
    if (!order->empty()) {
        write.order = OrderId(*order);
    }
    return write;
}

/// Parses `wait`, the token of the reader that counts, the earlier readers, names of writers ...
Claim wait_in(const RedisReply& reply) {
    Claim claim{.kind = Claim::Kind::wait,
                .is_being_counted = !reply.list[1].text.empty(),
                .earlier = reply.list[2].text};
    for (const RedisReply& writer : std::span(reply.list).subspan(3)) {
        if (const auto write = write_id_in(writer.text)) {
            claim.to_settle.push_back(*write);
        }
    }
    return claim;
}

/// Parses what the scripts lease_acquire and ledger_acquire return for a scope. Throws CacheError,
/// which names the service, if the reply is anything else.
Claim claim_in(const RedisReply& reply, const RedisService& service) {
    const std::size_t size = reply.list.size();
    const std::string kind = size > 0 ? reply.list[0].text : "";
    if (kind == "ours") {
        return {.kind = Claim::Kind::ours};
    }
    if (kind == "wait" && size > 2) {
        return wait_in(reply);
    }
    const auto count = size > 1 ? parse_whole_number(reply.list[1].text) : std::nullopt;
    if (count && (kind == "hit" || kind == "answer")) {
        return {.kind = kind == "hit" ? Claim::Kind::hit : Claim::Kind::answer, .count = *count};
    }
    throw unexpected_reply(service, "EVAL");
}

} // namespace

Claims RedisCache::acquire(const Claims& claims, Purpose purpose) {
    m_token = random_token();
    m_purpose = purpose;
    const auto replies =
        run_for_each({scripts::k_lease_acquire, scripts::k_ledger_acquire}, scopes_of(claims),
                     {m_token, purpose == Purpose::read ? "read" : "refresh", m_origin()},
                     [&](const Scope& scope) { return claims.at(scope).earlier; });
    Claims found;
    auto reply = replies.begin();
    for (const auto& [scope, claim] : claims) {
        Claim& now = found[scope] = claim_in(*reply++, m_redis.service());
        if (!claim.earlier.empty()) {
            now.earlier = claim.earlier;
        }
    }
    return found;
}

void RedisCache::renew(const std::vector<Scope>& scopes) {
    run({scripts::k_lease_renew, scripts::k_ledger_renew}, scopes, {m_token});
}

void RedisCache::release(const std::vector<Scope>& scopes) {
    run({scripts::k_lease_release, scripts::k_ledger_release}, scopes, {m_token},
        Deadline::in(k_release_timeout));
}

void RedisCache::share(const Scope& scope, std::int64_t count) {
    run({scripts::k_lease_release, scripts::k_ledger_release}, {scope},
        {m_token, std::to_string(count), m_origin()}, Deadline::in(k_release_timeout));
}

/// A refresh that waits does not take the value, so a single count is left to it as an answer too.
Counts RedisCache::fill(const Counts& customers) {
    const bool is_shared = m_purpose == Purpose::refresh && customers.size() == 1;
    const auto replies =
        run_for_each({scripts::k_lease_fill, nullptr}, scopes_of(customers),
                     {m_token, std::to_string(m_time_to_live.count()), is_shared ? m_origin() : ""},
                     [&](const Scope& customer) { return std::to_string(customers.at(customer)); });
    Counts stored;
    auto reply = replies.begin();
    for (const auto& count : customers) {
        if ((reply++)->integer == 1) {
            stored.insert(count);
        }
    }
    return stored;
}

bool RedisCache::fill_total(std::int64_t count, const std::string& snapshot,
                            const std::vector<std::uint32_t>& writers,
                            const std::function<bool()>& has_run) {
    Arguments arguments = {m_token, std::to_string(count), std::to_string(m_time_to_live.count()),
                           snapshot, std::to_string(writers.size())};
    for (const std::uint32_t writer : writers) {
        arguments.push_back(std::to_string(writer));
    }
    RedisReply reply = run_on_total(scripts::k_ledger_fill, arguments);
    if (!reply.list.empty() && has_run()) {
        std::ranges::transform(reply.list, std::back_inserter(arguments), &RedisReply::text);
        reply = run_on_total(scripts::k_ledger_fill, arguments);
    }
    return reply.integer == 1;
}

/// The drop of a single customer and the registration go in one write if one server takes both. A
/// registration that was refused can be left out. One that was not answered cannot: it may arrive
/// late.
bool RedisCache::begin_write(const WriteId& write, std::int64_t orders,
                             const std::vector<Scope>& customers) {
    std::vector<RedisCommand> commands;
    const bool is_one_write = customers.size() == 1 && !m_redis.is_cluster();
    if (is_one_write) {
        commands = drop_commands(customers);
    } else {
        drop(customers);
    }
    commands.push_back(eval({nullptr, scripts::k_ledger_register}, {k_all_orders},
                            {name_of(write), std::to_string(orders)}));
    try {
        m_redis.run(commands);
        if (is_one_write && m_redis.is_cluster()) {
            drop(customers); // a redirected lease was deleted after its value
        }
        return true;
    } catch (const CacheRefusal&) { // perhaps of the drop, which must succeed
        drop(customers);
        drop({k_all_orders});
        return false;
    }
}

void RedisCache::end_write(const WriteId& write, TransactionStatus status) {
    const char* const fate = status == TransactionStatus::committed ? "committed" : "aborted";
    run_on_total(scripts::k_ledger_confirm, {name_of(write), fate},
                 Deadline::in(k_release_timeout));
}

void RedisCache::apply_external(const std::vector<TransactionDelta>& others) {
    in_pieces(others, k_script_transactions, [&](const std::vector<TransactionDelta>& piece) {
        Arguments arguments;
        for (const TransactionDelta& delta : piece) {
            arguments.push_back(std::to_string(delta.transaction));
            arguments.push_back(std::to_string(delta.orders));
        }
        run_on_total(scripts::k_ledger_apply_external, arguments);
    });
}

/// Returns the command that runs the step's script with all keys of each scope.
RedisCommand RedisCache::eval(const Step& step, const std::vector<Scope>& scopes,
                              const Arguments& arguments) const {
    RedisCommand command = {"EVAL", scopes.front().customer ? step.of_customers : step.of_total,
                            ""};
    for (const Scope& scope : scopes) {
        std::ranges::move(m_names.keys(scope), std::back_inserter(command));
    }
    command[2] = std::to_string(command.size() - 3);
    std::ranges::copy(arguments, std::back_inserter(command));
    return command;
}

/// Runs a script with `arguments` and one more argument for each scope. Returns a reply for each
/// scope.
std::vector<RedisReply>
RedisCache::run_for_each(const Step& step, const std::vector<Scope>& scopes,
                         const Arguments& arguments,
                         const std::function<std::string(const Scope&)>& argument_for) {
    auto replies = run_in_pieces(scopes, [&](const std::vector<Scope>& piece) {
        Arguments all = arguments;
        std::ranges::transform(piece, std::back_inserter(all), argument_for);
        return eval(step, piece, all);
    });
    if (replies.size() != scopes.size()) {
        throw unexpected_reply(m_redis.service(), "EVAL");
    }
    return replies;
}

void RedisCache::run(const Step& step, const std::vector<Scope>& scopes, const Arguments& arguments,
                     std::optional<Deadline> deadline) {
    const auto command_for = [&](const std::vector<Scope>& piece) {
        return eval(step, piece, arguments);
    };
    run_in_pieces(scopes, command_for, deadline);
}

RedisReply RedisCache::run_on_total(const char* script, const Arguments& arguments,
                                    std::optional<Deadline> deadline) {
    return m_redis.run({eval({nullptr, script}, {k_all_orders}, arguments)}, deadline).front();
}

} // namespace ordercache
