#include "redis/router.hpp"

#include "base/error.hpp"
#include "redis/hello.hpp"
#include "redis/reply_check.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <span>
#include <string_view>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

/// Up to this many commands are redirected one by one.
constexpr std::size_t k_few = 4;

RedisCommand owners_question() {
    return {"CLUSTER", "SLOTS"};
}

const std::string& key_of(const RedisCommand& command) {
    constexpr std::size_t after_script_and_number = 3;
    return command.at(command.front() == "EVAL" ? after_script_and_number : 1);
}

/// What one server is sent in one write, and the places for its replies: null for ASKING's.
struct Batch {
    std::vector<RedisCommand> commands = {};
    std::vector<RedisReply*> places = {};

    void add(const RedisCommand& command, RedisReply* place) {
        commands.push_back(command);
        places.push_back(place);
    }

    void take(std::vector<RedisReply> replies) const {
        for (std::size_t i = 0; i < places.size(); ++i) {
            if (places[i] != nullptr) {
                *places[i] = std::move(replies[i]);
            }
        }
    }
};

/// A server that is too old for HELLO has no users, so that ROLE is allowed.
void check_primary(RedisServer& server, const RedisReply& reply_to_hello) {
    std::string role = field_of_hello(reply_to_hello, "role");
    if (role.empty()) {
        const auto reply = server.run({{"ROLE"}}, std::nullopt).front();
        role = reply.list.empty() ? "" : reply.list.front().text;
    }
    if (is_replica(role)) {
        throw refusal(server.service(), hello().front(), "READONLY");
    }
}

} // namespace

std::vector<RedisReply> RedisRouter::run(const std::vector<RedisCommand>& commands,
                                         std::optional<Deadline> deadline) {
    std::vector<RoutedCommand> routed;
    for (const RedisCommand& command : commands) {
        routed.push_back({&command, owner_of(command)});
    }
    deliver(routed, deadline);
    std::vector<RedisReply> replies;
    for (RoutedCommand& each : routed) {
        check_reply(each.server->service(), *each.command, each.reply);
        replies.push_back(std::move(each.reply));
    }
    return replies;
}

/// Sends HELLO first, which every user may. A server that is too old for HELLO has no users.
std::set<RedisServer*> RedisRouter::primaries() {
    const auto mode = field_of_hello(m_named->run({hello()}, std::nullopt).front(), "mode");
    if (!mode.empty() && mode != "cluster") {
        return {m_named};
    }
    const auto slots = m_named->run({owners_question()}, std::nullopt).front();
    if (mode.empty() && slots.is_error("ERR")) {
        return {m_named};
    }
    check_reply(m_named->service(), owners_question(), slots);
    learn_owners(slots);
    if (owners().empty()) {
        throw refusal(m_named->service(), owners_question().front(), "CLUSTERDOWN");
    }
    return owners();
}

/// The server that has the key comes last, and runs the command right behind its own HELLO.
RedisReply RedisRouter::run_if_primaries(const RedisCommand& command) {
    RedisServer& owner = *owner_of(command);
    for (RedisServer* const server : owners()) {
        if (server != &owner) {
            check_primary(*server, server->run({hello()}, std::nullopt).front());
        }
    }
    const auto replies = owner.run({hello(), command}, std::nullopt);
    check_primary(owner, replies.front());
    check_reply(owner.service(), command, replies.back());
    return replies.back();
}

/// Returns until when redirections that begin now may be followed.
Deadline RedisRouter::redirection_deadline() const {
    const Deadline limit = m_options.limit.deadline();
    return m_options.redirection_time ? limit.or_in(*m_options.redirection_time) : limit;
}

/// Sends the commands, and those that are redirected again to their new servers, until none is.
void RedisRouter::deliver(std::vector<RoutedCommand>& commands, std::optional<Deadline> deadline) {
    std::vector<RoutedCommand*> open;
    std::ranges::transform(commands, std::back_inserter(open), [](auto& each) { return &each; });
    std::optional<Deadline> until = deadline;
    for (auto pause = 0ms;; pause = std::clamp(pause * 2, 5ms, 100ms)) {
        send(open, deadline);
        std::erase_if(open, [this](RoutedCommand* each) { return !redirect(*each); });
        if (open.empty()) {
            return;
        }
        until = until.value_or(redirection_deadline());
        m_options.pause(pause);
        if (until->passed()) {
            const RoutedCommand& stuck = *open.front();
            throw CacheError(
                refusal(m_named->service(), stuck.command->front(), stuck.reply.text).what());
        }
        if (open.size() > k_few &&
            !m_asked_for_owners) { // once, in place of a redirection for each
            learn_owners(m_named->run({owners_question()}, std::nullopt).front());
        }
    }
}

/// Sends the commands to their servers, each server's in their order and in one write. Several
/// servers work at the same time on commands that change nothing.
void RedisRouter::send(const std::vector<RoutedCommand*>& commands,
                       std::optional<Deadline> deadline) {
    std::map<RedisServer*, Batch> batches;
    for (RoutedCommand* const each : commands) {
        Batch& batch = batches[each->server];
        if (each->asking) {
            batch.add({"ASKING"}, nullptr);
        }
        batch.add(*each->command, &each->reply);
    }
    try {
        for (const auto& [server, batch] : batches) {
            if (batches.size() > 1) {
                server->send_ahead(batch.commands, deadline);
            }
        }
        for (const auto& [server, batch] : batches) {
            batch.take(server->run(batch.commands, deadline));
        }
    } catch (...) {
        std::ranges::for_each(batches, [](const auto& batch) { batch.first->forget_sent(); });
        throw;
    }
}

/// Returns whether the command was redirected, and chooses its new server if so.
bool RedisRouter::redirect(RoutedCommand& command) {
    const auto redirection = redirection_in(command.reply);
    if (redirection || is_cross_slot(command.reply)) {
        m_owners.resize(k_slots); // only a node of a cluster replies so
    }
    if (!redirection) {
        return false;
    }
    command.asking = redirection->kind == Redirection::Kind::ask;
    command.server = redirection->kind == Redirection::Kind::try_again
                         ? owner_of(*command.command)
                         : node(redirection->node, *command.server);
    if (redirection->kind == Redirection::Kind::moved) {
        m_owners[slot_of(key_of(*command.command))] = command.server;
    }
    return true;
}

void RedisRouter::learn_owners(const RedisReply& slots) {
    m_owners.assign(k_slots, nullptr);
    m_asked_for_owners = true;
    for (const SlotRange& range : slot_ranges_in(slots)) {
        std::ranges::fill(std::span(m_owners).subspan(range.first, range.last - range.first + 1),
                          node(range.primary, *m_named));
    }
}

std::set<RedisServer*> RedisRouter::owners() const {
    std::set<RedisServer*> owners(m_owners.begin(), m_owners.end());
    owners.erase(nullptr);
    return owners;
}

RedisServer* RedisRouter::owner_of(const RedisCommand& command) {
    RedisServer* const owner = is_cluster() ? m_owners[slot_of(key_of(command))] : nullptr;
    return owner != nullptr ? owner : m_named;
}

/// The URI's user, password and TLS options hold for each node of its cluster.
RedisServer* RedisRouter::node(const Endpoint& endpoint, const RedisServer& informant) {
    RedisService service = informant.service();
    service.cluster_host = m_named->service().host;
    if (service.transport == RedisService::Transport::unix_socket) {
        service.transport = RedisService::Transport::tcp;
        service.host = "localhost";
    }
    if (!endpoint.host.empty()) {
        service.host = endpoint.host;
    }
    service.port = endpoint.port;
    return server(service);
}

RedisServer* RedisRouter::server(const RedisService& service) {
    return &m_servers.try_emplace(service.peer(), service, m_options).first->second;
}

} // namespace ordercache
