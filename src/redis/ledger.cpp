#include "redis/ledger.hpp"

#include "redis/claims.hpp"
#include "redis/scripts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace ordercache {

namespace {

/// Few enough for a script not to keep others waiting.
constexpr std::size_t k_script_writers = 1000;

std::string names_in(const RedisReply& reply) {
    std::string names = " ";
    for (const RedisReply& name : reply.list) {
        names += name.text + ' ';
    }
    return names;
}

std::string name_of(const WriteId& write) {
    return fmt::format("{}:{}", write.transaction, write.order.value_or(""));
}

} // namespace

Claim RedisLedger::acquire(const std::string& token, const Freshness& freshness) {
    const std::string accepted = freshness.refresh ? freshness.accepted : "anybody";
    const auto replies = m_redis.run({command(scripts::k_ledger_acquire, {token, accepted})});
    return claim_in(replies.front(), m_redis.service());
}

void RedisLedger::renew(const std::string& token) {
    m_redis.run({command(scripts::k_ledger_renew, {token})});
}

void RedisLedger::release(const std::string& token, Deadline deadline) {
    m_redis.run({command(scripts::k_ledger_release, {token})}, deadline);
}

bool RedisLedger::fill(const std::string& token, std::int64_t count,
                       std::chrono::seconds time_to_live, const std::string& snapshot,
                       const std::vector<std::uint32_t>& writers,
                       const std::function<bool()>& has_run) {
    const auto try_to_fill = [&](const std::string& known) {
        std::vector<std::string> arguments = {
            token, std::to_string(count), std::to_string(time_to_live.count()), snapshot, known};
        for (const std::uint32_t writer : writers) {
            arguments.push_back(std::to_string(writer));
        }
        return m_redis.run({command(scripts::k_ledger_fill, std::move(arguments))}).front();
    };
    RedisReply reply = try_to_fill("");
    if (!reply.list.empty() && has_run()) {
        reply = try_to_fill(names_in(reply));
    }
    return reply.integer == 1;
}

RedisCommand RedisLedger::registration(const WriteId& write, std::int64_t orders) const {
    return command(scripts::k_ledger_register, {name_of(write), std::to_string(orders)});
}

void RedisLedger::confirm(const WriteId& write, TransactionStatus status, Deadline deadline) {
    const char* const fate = status == TransactionStatus::committed ? "committed" : "aborted";
    m_redis.run({command(scripts::k_ledger_confirm, {name_of(write), fate})}, deadline);
}

void RedisLedger::apply_external(const std::vector<TransactionDelta>& others) {
    for (std::size_t begin = 0; begin < others.size(); begin += k_script_writers) {
        const std::size_t end = std::min(begin + k_script_writers, others.size());
        std::vector<std::string> arguments;
        for (std::size_t i = begin; i < end; ++i) {
            arguments.push_back(std::to_string(others[i].transaction));
            arguments.push_back(std::to_string(others[i].orders));
        }
        m_redis.run({command(scripts::k_ledger_apply_external, std::move(arguments))});
    }
}

RedisCommand RedisLedger::command(const char* script, std::vector<std::string> arguments) const {
    RedisCommand command = {"EVAL", script, "2", m_names.value(k_all_orders), m_names.ledger()};
    command.insert(command.end(), std::make_move_iterator(arguments.begin()),
                   std::make_move_iterator(arguments.end()));
    return command;
}

} // namespace ordercache
