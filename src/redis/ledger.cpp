#include "redis/ledger.hpp"

#include "redis/claim_reply.hpp"
#include "redis/scripts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace ordercache {

namespace {

/// Few enough for a script not to keep others waiting.
constexpr std::size_t k_script_transactions = 500;

std::string name_of(const WriteId& write) {
    return fmt::format("{}:{}", write.transaction, write.order.value_or(""));
}

} // namespace

Claim RedisLedger::acquire(const Reader& reader, const std::string& earlier) {
    const auto reply = run(scripts::k_ledger_acquire,
                           {reader.token, word_for(reader.purpose), reader.origin, earlier});
    return claim_in(reply, m_redis.service());
}

void RedisLedger::renew(const Reader& reader) {
    run(scripts::k_ledger_renew, {reader.token});
}

void RedisLedger::release(const Reader& reader, Deadline deadline) {
    run(scripts::k_ledger_release, {reader.token}, deadline);
}

void RedisLedger::share(const Reader& reader, std::int64_t count, Deadline deadline) {
    run(scripts::k_ledger_release, {reader.token, std::to_string(count), reader.origin}, deadline);
}

bool RedisLedger::fill(const Reader& reader, std::int64_t count, std::chrono::seconds time_to_live,
                       const std::string& snapshot, const std::vector<std::uint32_t>& writers,
                       const std::function<bool()>& has_run) {
    std::vector<std::string> arguments = {reader.token, std::to_string(count),
                                          std::to_string(time_to_live.count()), snapshot,
                                          std::to_string(writers.size())};
    for (const std::uint32_t writer : writers) {
        arguments.push_back(std::to_string(writer));
    }
    RedisReply reply = run(scripts::k_ledger_fill, arguments);
    if (!reply.list.empty() && has_run()) {
        std::ranges::transform(reply.list, std::back_inserter(arguments), &RedisReply::text);
        reply = run(scripts::k_ledger_fill, arguments);
    }
    return reply.integer == 1;
}

RedisCommand RedisLedger::registration(const WriteId& write, std::int64_t orders) const {
    return command(scripts::k_ledger_register, {name_of(write), std::to_string(orders)});
}

void RedisLedger::confirm(const WriteId& write, TransactionStatus status, Deadline deadline) {
    const char* const fate = status == TransactionStatus::committed ? "committed" : "aborted";
    run(scripts::k_ledger_confirm, {name_of(write), fate}, deadline);
}

void RedisLedger::apply_external(const std::vector<TransactionDelta>& others) {
    for (std::size_t begin = 0; begin < others.size(); begin += k_script_transactions) {
        const std::size_t end = std::min(begin + k_script_transactions, others.size());
        std::vector<std::string> arguments;
        for (std::size_t i = begin; i < end; ++i) {
            arguments.push_back(std::to_string(others[i].transaction));
            arguments.push_back(std::to_string(others[i].orders));
        }
        run(scripts::k_ledger_apply_external, arguments);
    }
}

RedisCommand RedisLedger::command(const char* script,
                                  const std::vector<std::string>& arguments) const {
    const auto keys = m_names.keys_of_total();
    RedisCommand command = {"EVAL", script, std::to_string(keys.size())};
    command.insert(command.end(), keys.begin(), keys.end());
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

RedisReply RedisLedger::run(const char* script, const std::vector<std::string>& arguments,
                            std::optional<Deadline> deadline) {
    return m_redis.run({command(script, arguments)}, deadline).front();
}

} // namespace ordercache
