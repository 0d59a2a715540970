#include "redis/leases.hpp"

#include "redis/claim_reply.hpp"
#include "redis/pieces.hpp"
#include "redis/reply_check.hpp"
#include "redis/scripts.hpp"

#include <algorithm>
#include <iterator>
#include <map>

namespace ordercache {

namespace {

std::string lease_milliseconds() {
    return std::to_string(k_lease_time.count());
}

/// What a script returned for each of the customers. Throws CacheError if it is something else.
const std::vector<RedisReply>& replies_in(const PieceReply& piece, const RedisService& service) {
    if (piece.reply.list.size() != piece.scopes.size()) {
        throw unexpected_reply(service, "EVAL");
    }
    return piece.reply.list;
}

} // namespace

std::vector<Claim> RedisLeases::acquire(const Reader& reader,
                                        const std::vector<CountRequest>& requests) {
    std::vector<Scope> customers;
    std::map<Scope, std::string> earlier;
    for (const CountRequest& request : requests) {
        customers.push_back(request.scope);
        earlier.emplace(request.scope, request.earlier);
    }
    const auto pieces = run_in_pieces(m_redis, customers, [&](const std::vector<Scope>& together) {
        std::vector<std::string> arguments = {reader.token, lease_milliseconds(),
                                              word_for(reader.purpose), reader.origin};
        std::ranges::transform(together, std::back_inserter(arguments),
                               [&](const Scope& customer) { return earlier.at(customer); });
        return command(scripts::k_lease_acquire, &RedisLeases::all_keys, together, arguments);
    });
    std::vector<Claim> claims;
    for (const PieceReply& piece : pieces) {
        for (const RedisReply& reply : replies_in(piece, m_redis.service())) {
            claims.push_back(claim_in(reply, m_redis.service()));
        }
    }
    return claims;
}

void RedisLeases::renew(const Reader& reader, const std::vector<Scope>& customers) {
    run_in_pieces(m_redis, customers, [&](const std::vector<Scope>& together) {
        return command(scripts::k_lease_renew, &RedisLeases::lease, together,
                       {reader.token, lease_milliseconds()});
    });
}

void RedisLeases::release(const Reader& reader, const std::vector<Scope>& customers,
                          Deadline deadline) {
    const auto command_for = [&](const std::vector<Scope>& together) {
        return command(scripts::k_lease_release, &RedisLeases::lease_and_answer, together,
                       {reader.token});
    };
    run_in_pieces(m_redis, customers, command_for, deadline);
}

void RedisLeases::share(const Reader& reader, const Scope& customer, std::int64_t count,
                        Deadline deadline) {
    m_redis.run({command(scripts::k_lease_release, &RedisLeases::lease_and_answer, {customer},
                         {reader.token, std::to_string(count), reader.origin})},
                deadline);
}

/// A refresh that waits does not take the value: a single count is left to it besides.
Counts RedisLeases::fill(const Reader& reader, const Counts& customers,
                         std::chrono::seconds time_to_live) {
    const bool is_shared = reader.purpose == Purpose::refresh && customers.size() == 1;
    std::vector<Scope> scopes;
    std::ranges::transform(customers, std::back_inserter(scopes), &Counts::value_type::first);
    const auto pieces = run_in_pieces(m_redis, scopes, [&](const std::vector<Scope>& together) {
        std::vector<std::string> arguments = {reader.token, std::to_string(time_to_live.count()),
                                              is_shared ? reader.origin : ""};
        std::ranges::transform(together, std::back_inserter(arguments), [&](const Scope& customer) {
            return std::to_string(customers.at(customer));
        });
        return command(scripts::k_lease_fill, &RedisLeases::all_keys, together, arguments);
    });
    Counts stored;
    for (const PieceReply& piece : pieces) {
        const auto& replies = replies_in(piece, m_redis.service());
        for (std::size_t i = 0; i < replies.size(); ++i) {
            if (replies[i].integer == 1) {
                stored.emplace(piece.scopes[i], customers.at(piece.scopes[i]));
            }
        }
    }
    return stored;
}

std::vector<std::string> RedisLeases::lease_and_answer(const Scope& customer) const {
    return {m_names.lease(customer), m_names.answer(customer)};
}

std::vector<std::string> RedisLeases::all_keys(const Scope& customer) const {
    return {m_names.lease(customer), m_names.value(customer), m_names.answer(customer)};
}

/// The script with these keys of each customer.
RedisCommand RedisLeases::command(const char* script, Keys keys,
                                  const std::vector<Scope>& customers,
                                  const std::vector<std::string>& arguments) const {
    RedisCommand command = {"EVAL", script, ""};
    for (const Scope& customer : customers) {
        std::ranges::move((this->*keys)(customer), std::back_inserter(command));
    }
    command[2] = std::to_string(command.size() - 3);
    command.insert(command.end(), arguments.begin(), arguments.end());
    return command;
}

} // namespace ordercache
