#include "redis/router.hpp"

#include "redis/cluster.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

namespace ordercache {

namespace {

using namespace std::chrono_literals;

/// How long redirections are followed: a slot that moves refuses some commands until it has.
constexpr auto k_patience = 2s;
constexpr auto k_first_pause = 5ms;
constexpr auto k_longest_pause = 100ms;

RedisCommand owners_question() {
    return {"CLUSTER", "SLOTS"};
}

const std::string& key_of(const RedisCommand& command) {
    constexpr std::size_t after_script_and_number = 3;
    return command.at(command.front() == "EVAL" ? after_script_and_number : 1);
}

/// Throws where the reply is an error that is not the caller's to read.
void check(const RedisClient& server, const RedisCommand& command, const RedisReply& reply) {
    if (reply.kind == RedisReply::Kind::error && !reply.text.starts_with("WRONGTYPE") &&
        !is_cross_slot(reply)) {
        throw server.refusal(command.front(), reply.text);
    }
}

/// What HELLO's reply calls the server: `standalone` or `cluster`; absent: it is too old for HELLO.
std::optional<std::string> mode_in(const RedisReply& hello) {
    const auto name = std::ranges::find(hello.list, "mode", &RedisReply::text);
    if (name == hello.list.end() || std::next(name) == hello.list.end()) {
        return std::nullopt;
    }
    return std::next(name)->text;
}

} // namespace

/// A command on its way to a server, and the place for the reply.
struct RedisRouter::Errand {
    const RedisCommand* command;
    RedisReply* reply;
    RedisClient* server;
    bool asking = false; ///< The server is to make an exception for a slot on its way to it.
};

RedisRouter::RedisRouter(const RedisService& service, TimeLimit limit)
    : m_limit(limit), m_named(&m_nodes.try_emplace(service.peer(), service, limit).first->second) {}

std::vector<RedisReply> RedisRouter::run(const std::vector<RedisCommand>& commands,
                                         std::optional<Deadline> deadline) {
    std::vector<RedisReply> replies(commands.size());
    if (is_cluster()) {
        run_errands(errands_for(commands, replies), deadline);
    } else {
        replies = m_named->run(commands, deadline);
    }
    follow(errands_for(commands, replies), deadline);
    return replies;
}

/// HELLO comes first, for every user may ask it; a server too old for it has no such users.
std::vector<RedisClient*> RedisRouter::primaries() {
    const auto mode = mode_in(m_named->run({{"HELLO"}}).front());
    if (mode && mode != "cluster") {
        return {m_named};
    }
    const auto slots = m_named->run({owners_question()}).front();
    if (!mode && slots.text.starts_with("ERR")) {
        return {m_named};
    }
    check(*m_named, owners_question(), slots);
    auto primaries = learn_owners(slots, *m_named);
    if (primaries.empty()) {
        throw m_named->refusal(owners_question().front(), "CLUSTERDOWN");
    }
    return primaries;
}

RedisReply RedisRouter::run_at(RedisClient& server, const RedisCommand& command) {
    RedisReply reply = std::move(server.run({command}).front());
    check(server, command, reply);
    return reply;
}

std::vector<RedisRouter::Errand> RedisRouter::errands_for(const std::vector<RedisCommand>& commands,
                                                          std::vector<RedisReply>& replies) {
    std::vector<Errand> errands;
    errands.reserve(commands.size());
    for (std::size_t i = 0; i < commands.size(); ++i) {
        errands.push_back({&commands[i], &replies[i], owner_of(commands[i])});
    }
    return errands;
}

/// Sends those of the errands, which have been run, on their way again that were redirected.
void RedisRouter::follow(std::vector<Errand> errands, std::optional<Deadline> deadline) {
    const Deadline until = deadline.value_or(m_limit.deadline().or_in(k_patience));
    std::chrono::milliseconds pause = 0ms;
    for (;;) {
        errands = redirected(errands);
        if (errands.empty()) {
            return;
        }
        if (until.passed()) {
            throw m_named->refusal(errands.front().command->front(), errands.front().reply->text);
        }
        if (errands.size() > 1 && !m_knows_all_owners) {
            learn_owners(m_named->run({owners_question()}).front(), *m_named);
        }
        pause_for(pause);
        pause = std::clamp<std::chrono::milliseconds>(pause * 2, k_first_pause, k_longest_pause);
        run_errands(errands, deadline);
    }
}

std::vector<RedisRouter::Errand> RedisRouter::redirected(const std::vector<Errand>& errands) {
    std::vector<Errand> again;
    for (Errand errand : errands) {
        if (const auto redirection = redirection_in(*errand.reply)) {
            m_owners.resize(k_slots);
            redirect(errand, *redirection);
            again.push_back(errand);
        } else {
            check(*errand.server, *errand.command, *errand.reply);
        }
        if (is_cross_slot(*errand.reply)) {
            m_owners.resize(k_slots);
        }
    }
    return again;
}

void RedisRouter::redirect(Errand& errand, const Redirection& redirection) {
    if (redirection.kind == Redirection::Kind::try_again) {
        errand.server = owner_of(*errand.command);
        errand.asking = false;
        return;
    }
    errand.server = node(redirection.node, *errand.server);
    errand.asking = redirection.kind == Redirection::Kind::ask;
    if (!errand.asking) {
        m_owners[slot_of(key_of(*errand.command))] = errand.server;
    }
}

/// Runs the errands server by server, each server's in their order.
void RedisRouter::run_errands(std::vector<Errand> errands, std::optional<Deadline> deadline) {
    while (!errands.empty()) {
        const auto others = std::stable_partition(
            errands.begin(), errands.end(),
            [server = errands.front().server](const Errand& e) { return e.server == server; });
        run_at_once({errands.begin(), others}, deadline);
        errands.erase(errands.begin(), others);
    }
}

/// Runs errands of one server in one write.
void RedisRouter::run_at_once(const std::vector<Errand>& errands,
                              std::optional<Deadline> deadline) {
    std::vector<RedisCommand> commands;
    for (const Errand& errand : errands) {
        if (errand.asking) {
            commands.push_back({"ASKING"});
        }
        commands.push_back(*errand.command);
    }
    auto replies = errands.front().server->run(commands, deadline);
    auto reply = replies.begin();
    for (const Errand& errand : errands) {
        reply += errand.asking ? 1 : 0;
        *errand.reply = std::move(*reply++);
    }
}

RedisClient* RedisRouter::owner_of(const RedisCommand& command) {
    RedisClient* const owner = is_cluster() ? m_owners[slot_of(key_of(command))] : nullptr;
    return owner != nullptr ? owner : m_named;
}

/// Every node of a cluster is spoken to as the one that the URI names.
RedisClient* RedisRouter::node(const Endpoint& endpoint, const RedisClient& informant) {
    RedisService service = informant.service();
    if (service.transport == RedisService::Transport::unix_socket) {
        service.transport = RedisService::Transport::tcp;
        service.host = "localhost";
    }
    if (!endpoint.host.empty()) {
        service.host = endpoint.host;
    }
    service.port = endpoint.port;
    return &m_nodes.try_emplace(service.peer(), service, m_limit).first->second;
}

/// Gives the owners, each once.
std::vector<RedisClient*> RedisRouter::learn_owners(const RedisReply& slots,
                                                    const RedisClient& informant) {
    std::vector<RedisClient*> owners;
    m_owners.resize(k_slots);
    m_knows_all_owners = true;
    for (const SlotRange& range : slot_ranges_in(slots)) {
        RedisClient* const owner = node(range.primary, informant);
        std::ranges::fill(std::span(m_owners).subspan(range.first, range.last - range.first + 1),
                          owner);
        if (std::ranges::find(owners, owner) == owners.end()) {
            owners.push_back(owner);
        }
    }
    return owners;
}

} // namespace ordercache
