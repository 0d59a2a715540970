#include "redis/leases.hpp"

#include "redis/claims.hpp"
#include "redis/pieces.hpp"
#include "redis/scripts.hpp"

#include <algorithm>
#include <iterator>

namespace ordercache {

std::vector<Claim> RedisLeases::acquire(const std::string& token,
                                        const std::vector<Scope>& customers, bool refresh) {
    const auto answers = run_in_pieces(m_redis, customers, [&](const std::vector<Scope>& together) {
        RedisCommand command = command_on_values(scripts::k_lease_acquire, together);
        command.push_back(token);
        command.push_back(std::to_string(k_lease_time.count()));
        command.emplace_back(refresh ? "refresh" : "read");
        return command;
    });
    std::vector<Claim> claims;
    for (const auto& [asked, reply] : answers) {
        const auto some = claims_in(reply, asked.size(), m_redis.service());
        claims.insert(claims.end(), some.begin(), some.end());
    }
    return claims;
}

void RedisLeases::renew(const std::string& token, const std::vector<Scope>& customers) {
    run_on_leases(scripts::k_lease_renew, customers, {token, std::to_string(k_lease_time.count())});
}

void RedisLeases::release(const std::string& token, const std::vector<Scope>& customers,
                          Deadline deadline) {
    run_on_leases(scripts::k_lease_release, customers, {token}, deadline);
}

void RedisLeases::fill(const std::string& token, const Counts& customers,
                       std::chrono::seconds time_to_live) {
    std::vector<Scope> scopes;
    std::ranges::transform(customers, std::back_inserter(scopes), &Counts::value_type::first);
    run_in_pieces(m_redis, scopes, [&](const std::vector<Scope>& together) {
        RedisCommand command = command_on_values(scripts::k_lease_fill, together);
        command.push_back(token);
        command.push_back(std::to_string(time_to_live.count()));
        for (const Scope& scope : together) {
            command.push_back(std::to_string(customers.at(scope)));
        }
        return command;
    });
}

/// Its keys are each customer's lease and value; the arguments are to be added.
RedisCommand RedisLeases::command_on_values(const char* script,
                                            const std::vector<Scope>& customers) const {
    RedisCommand command = {"EVAL", script, std::to_string(2 * customers.size())};
    for (const Scope& customer : customers) {
        command.push_back(m_names.lease(customer));
        command.push_back(m_names.value(customer));
    }
    return command;
}

void RedisLeases::run_on_leases(const char* script, const std::vector<Scope>& customers,
                                const std::vector<std::string>& arguments,
                                std::optional<Deadline> deadline) {
    const auto command_for = [&](const std::vector<Scope>& together) {
        RedisCommand command = {"EVAL", script, std::to_string(together.size())};
        for (const Scope& customer : together) {
            command.push_back(m_names.lease(customer));
        }
        command.insert(command.end(), arguments.begin(), arguments.end());
        return command;
    };
    run_in_pieces(m_redis, customers, command_for, deadline);
}

} // namespace ordercache
