#include "redis/router.hpp"

#include "base/error.hpp"
#include "redis/client.hpp"
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

/// The pauses between attempts: none at first, then each is twice as long as the last.
class Backoff {
public:
    std::chrono::milliseconds next() {
        constexpr auto first = 5ms;
        constexpr auto longest = 100ms;
        return std::exchange(m_next,
                             std::clamp<std::chrono::milliseconds>(m_next * 2, first, longest));
    }

private:
    std::chrono::milliseconds m_next = 0ms;
};

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

/// A command, the server that it goes to, and the place for the reply.
struct RedisRouter::RoutedCommand {
    const RedisCommand* command;
    RedisReply* reply;
    RedisServer* server;
    bool asking = false; ///< The slot is moving to the server, which serves it if asked to.
};

RedisRouter::RedisRouter(const RedisService& service, TimeLimit limit,
                         RedirectionTime redirection_time, WhenClosed when_closed)
    : RedisRouter(
          service, limit, redirection_time,
          [limit, when_closed](const RedisService& each) {
              return std::make_unique<RedisClient>(each, limit, when_closed);
          },
          pause_for) {}

RedisRouter::RedisRouter(const RedisService& service, TimeLimit limit,
                         RedirectionTime redirection_time, MakeServer make_server, Pause pause)
    : m_limit(limit), m_redirection_time(redirection_time), m_make_server(std::move(make_server)),
      m_pause(std::move(pause)), m_named(server(service)) {}

std::vector<RedisReply> RedisRouter::run(const std::vector<RedisCommand>& commands,
                                         std::optional<Deadline> deadline) {
    std::vector<RedisReply> replies(commands.size());
    if (is_cluster()) {
        send(route(commands, replies), deadline);
    } else {
        replies = m_named->run(commands, deadline);
    }
    const auto again = redirected(route(commands, replies));
    if (!again.empty()) {
        retry(again, deadline);
    }
    return replies;
}

/// Asks HELLO first, as all users may. A server that is too old for it has no users.
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

/// Any reply will do, also an error.
void RedisRouter::check_servers() {
    for (const auto& [name, server] : m_servers) {
        server->run({hello()}, std::nullopt);
    }
}

RedisReply RedisRouter::run_at(RedisServer& server, const RedisCommand& command) {
    RedisReply reply = std::move(server.run({command}, std::nullopt).front());
    check_reply(server.service(), command, reply);
    return reply;
}

std::vector<RedisRouter::RoutedCommand>
RedisRouter::route(const std::vector<RedisCommand>& commands, std::vector<RedisReply>& replies) {
    std::vector<RoutedCommand> routed;
    routed.reserve(commands.size());
    for (std::size_t i = 0; i < commands.size(); ++i) {
        routed.push_back({&commands[i], &replies[i], owner_of(commands[i])});
    }
    return routed;
}

/// Sends the commands server by server, each server's in their order.
void RedisRouter::send(std::vector<RoutedCommand> commands, std::optional<Deadline> deadline) {
    while (!commands.empty()) {
        const auto others = std::stable_partition(
            commands.begin(), commands.end(),
            [server = commands.front().server](const auto& each) { return each.server == server; });
        send_together({commands.begin(), others}, deadline);
        commands.erase(commands.begin(), others);
    }
}

/// Sends commands, all of one server, in one write.
void RedisRouter::send_together(const std::vector<RoutedCommand>& commands,
                                std::optional<Deadline> deadline) {
    std::vector<RedisCommand> together;
    for (const RoutedCommand& each : commands) {
        if (each.asking) {
            together.push_back({"ASKING"});
        }
        together.push_back(*each.command);
    }
    auto replies = commands.front().server->run(together, deadline);
    auto reply = replies.begin();
    for (const RoutedCommand& each : commands) {
        reply += each.asking ? 1 : 0;
        *each.reply = std::move(*reply++);
    }
}

/// Checks the replies, and returns the commands that were redirected, each with its new server.
std::vector<RedisRouter::RoutedCommand>
RedisRouter::redirected(const std::vector<RoutedCommand>& commands) {
    std::vector<RoutedCommand> again;
    for (RoutedCommand each : commands) {
        if (const auto redirection = redirection_in(*each.reply)) {
            m_owners.resize(k_slots);
            redirect(each, *redirection);
            again.push_back(each);
            continue;
        }
        check_reply(each.server->service(), *each.command, *each.reply);
        if (is_cross_slot(*each.reply)) {
            m_owners.resize(k_slots);
        }
    }
    return again;
}

void RedisRouter::redirect(RoutedCommand& command, const Redirection& redirection) {
    if (redirection.kind == Redirection::Kind::try_again) {
        command.server = owner_of(*command.command);
        command.asking = false;
        return;
    }
    command.server = node(redirection.node, *command.server);
    command.asking = redirection.kind == Redirection::Kind::ask;
    if (!command.asking) {
        m_owners[slot_of(key_of(*command.command))] = command.server;
    }
}

/// Sends redirected commands to their new servers, until none is redirected.
void RedisRouter::retry(std::vector<RoutedCommand> commands, std::optional<Deadline> deadline) {
    const Deadline until = deadline.value_or(
        m_redirection_time ? m_limit.deadline().or_in(*m_redirection_time) : m_limit.deadline());
    Backoff backoff;
    while (!commands.empty()) {
        m_pause(backoff.next());
        if (until.passed()) {
            const RoutedCommand& stuck = commands.front();
            throw CacheError(
                refusal(m_named->service(), stuck.command->front(), stuck.reply->text).what());
        }
        if (commands.size() > 1) {
            learn_all_owners();
        }
        send(commands, deadline);
        commands = redirected(commands);
    }
}

/// Asks once for all slots, in place of a redirection for each.
void RedisRouter::learn_all_owners() {
    if (!m_asked_for_owners) {
        learn_owners(m_named->run({owners_question()}, std::nullopt).front());
    }
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
    auto& server = m_servers[service.peer()];
    if (!server) {
        server = m_make_server(service);
    }
    return server.get();
}

} // namespace ordercache
