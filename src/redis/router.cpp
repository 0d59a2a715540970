#include "redis/router.hpp"

#include "base/error.hpp"
#include "redis/reply_check.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

RedisCommand hello() {
    return {"HELLO"};
}

RedisCommand owners_question() {
    return {"CLUSTER", "SLOTS"};
}

const std::string& key_of(const RedisCommand& command) {
    constexpr std::size_t after_script_and_number = 3;
    return command.at(command.front() == "EVAL" ? after_script_and_number : 1);
}

/// Returns the server's mode in its reply to HELLO, such as `standalone` or `cluster`, or nullopt
/// if the server is too old for HELLO.
std::optional<std::string> mode_in(const RedisReply& hello) {
    const auto name = std::ranges::find(hello.list, "mode", &RedisReply::text);
    if (name == hello.list.end() || std::next(name) == hello.list.end()) {
        return std::nullopt;
    }
    return std::next(name)->text;
}

} // namespace

/// A command on its way to a server, and the place for its reply.
struct RedisRouter::RoutedCommand {
    const RedisCommand* command;
    RedisReply* reply;
    RedisServer* server;
    bool asking = false; ///< The slot is moving to the server, which serves it if asked to.
};

RedisRouter::RedisRouter(const RedisService& service, TimeLimit limit,
                         RedirectionTime redirection_time, WhenClosed when_closed,
                         RedisServer::Connect connect_to, Pause pause)
    : m_limit(limit), m_redirection_time(redirection_time), m_when_closed(when_closed),
      m_connect_to(std::move(connect_to)), m_pause(std::move(pause)), m_named(server(service)) {}

std::vector<RedisReply> RedisRouter::run(const std::vector<RedisCommand>& commands,
                                         std::optional<Deadline> deadline) {
    std::vector<RedisReply> replies(commands.size());
    std::vector<RoutedCommand> routed;
    for (std::size_t i = 0; i < commands.size(); ++i) {
        routed.push_back({&commands[i], &replies[i], owner_of(commands[i])});
    }
    deliver(routed, deadline);
    for (const RoutedCommand& each : routed) {
        check_reply(each.server->service(), *each.command, *each.reply);
    }
    return replies;
}

/// Sends HELLO first, which every user may. A server that is too old for HELLO has no users.
std::vector<RedisServer*> RedisRouter::primaries() {
    const auto mode = mode_in(m_named->run({hello()}, std::nullopt).front());
    if (mode && mode != "cluster") {
        return {m_named};
    }
    const auto slots = m_named->run({owners_question()}, std::nullopt).front();
    if (!mode && slots.text.starts_with("ERR")) {
        return {m_named};
    }
    check_reply(m_named->service(), owners_question(), slots);
    auto primaries = learn_owners(slots);
    if (primaries.empty()) {
        throw refusal(m_named->service(), owners_question().front(), "CLUSTERDOWN");
    }
    return primaries;
}

/// Any reply shows that a server is there, even an error.
void RedisRouter::check_servers() {
    for (auto& [name, server] : m_servers) {
        server.run({hello()}, std::nullopt);
    }
}

RedisReply RedisRouter::run_at(RedisServer& server, const RedisCommand& command) {
    RedisReply reply = std::move(server.run({command}, std::nullopt).front());
    check_reply(server.service(), command, reply);
    return reply;
}

/// Sends the commands, and those that are redirected again to their new servers, until none is.
void RedisRouter::deliver(std::vector<RoutedCommand>& commands, std::optional<Deadline> deadline) {
    std::vector<RoutedCommand*> open;
    std::ranges::transform(commands, std::back_inserter(open), [](auto& each) { return &each; });
    const auto is_done = [this](RoutedCommand* each) { return !redirect(*each); };
    send(open, deadline);
    std::erase_if(open, is_done);
    const Deadline until = deadline.value_or(
        m_redirection_time ? m_limit.deadline().or_in(*m_redirection_time) : m_limit.deadline());
    for (auto pause = 0ms; !open.empty(); pause = std::clamp(pause * 2, 5ms, 100ms)) {
        m_pause(pause);
        if (until.passed()) {
            const RoutedCommand& stuck = *open.front();
            throw CacheError(
                refusal(m_named->service(), stuck.command->front(), stuck.reply->text).what());
        }
        if (open.size() > 1 && !m_asked_for_owners) { // once, in place of a redirection for each
            learn_owners(m_named->run({owners_question()}, std::nullopt).front());
        }
        send(open, deadline);
        std::erase_if(open, is_done);
    }
}

/// Sends the commands server by server, each server's in their order.
void RedisRouter::send(std::vector<RoutedCommand*> commands, std::optional<Deadline> deadline) {
    while (!commands.empty()) {
        const auto others = std::stable_partition(
            commands.begin(), commands.end(),
            [server = commands.front()->server](auto* each) { return each->server == server; });
        send_together({commands.begin(), others}, deadline);
        commands.erase(commands.begin(), others);
    }
}

/// Sends commands, all of one server, in one write.
void RedisRouter::send_together(const std::vector<RoutedCommand*>& commands,
                                std::optional<Deadline> deadline) {
    std::vector<RedisCommand> together;
    for (const RoutedCommand* each : commands) {
        if (each->asking) {
            together.push_back({"ASKING"});
        }
        together.push_back(*each->command);
    }
    auto replies = commands.front()->server->run(together, deadline);
    auto reply = replies.begin();
    for (RoutedCommand* each : commands) {
        reply += each->asking ? 1 : 0;
        *each->reply = std::move(*reply++);
    }
}

/// Returns whether the command was redirected, and chooses its new server if so.
bool RedisRouter::redirect(RoutedCommand& command) {
    const auto redirection = redirection_in(*command.reply);
    if (redirection || is_cross_slot(*command.reply)) {
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

/// Returns the owners without repeats.
std::vector<RedisServer*> RedisRouter::learn_owners(const RedisReply& slots) {
    std::vector<RedisServer*> owners;
    m_owners.resize(k_slots);
    m_asked_for_owners = true;
    for (const SlotRange& range : slot_ranges_in(slots)) {
        RedisServer* const owner = node(range.primary, *m_named);
        std::ranges::fill(std::span(m_owners).subspan(range.first, range.last - range.first + 1),
                          owner);
        if (std::ranges::find(owners, owner) == owners.end()) {
            owners.push_back(owner);
        }
    }
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
    const auto [entry, is_new] =
        m_servers.try_emplace(service.peer(), service, m_limit, m_when_closed, m_connect_to);
    return &entry->second;
}

} // namespace ordercache
