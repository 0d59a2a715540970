#pragma once

#include "base/waiting.hpp"
#include "redis/cluster.hpp"
#include "redis/server.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// Which server runs a command: the one that the URI names or, where that turns out to be a node of
/// a cluster, the node that serves the command's key. A single server is asked nothing for it.
class RedisRouter {
public:
    using MakeServer = std::function<std::unique_ptr<RedisServer>(const RedisService&)>;
    using Pause = std::function<void(std::chrono::milliseconds)>;

    /// How long redirections are followed, beside the limit: a slot that moves refuses a command of
    /// several keys until it has. Absent: as long as the limit allows.
    using RedirectionTime = std::optional<std::chrono::milliseconds>;

    /// Connects to servers over the network.
    RedisRouter(const RedisService& service, TimeLimit limit, RedirectionTime redirection_time,
                WhenClosed when_closed = WhenClosed::reconnect);

    /// As above, with what stands for the network and for time.
    RedisRouter(const RedisService& service, TimeLimit limit, RedirectionTime redirection_time,
                MakeServer make_server, Pause pause);

    /// Connects to the server that the URI names.
    void connect() { m_named->connect(); }

    /// The one that the URI names.
    const RedisService& service() const { return m_named->service(); }

    /// Gives a reply to each command, each of which has a key. Follows redirections as long as the
    /// limits allow: a command that was redirected runs after those behind it. Throws CacheError
    /// where a reply is an error or does not fit its command, as check_reply does.
    std::vector<RedisReply> run(const std::vector<RedisCommand>& commands,
                                std::optional<Deadline> deadline = std::nullopt);

    /// Whether a server has said that it is a node of a cluster.
    bool is_cluster() const { return !m_owners.empty(); }

    /// All who hold keys of their own: asks the server for its cluster's. Throws CacheError. They
    /// live as long as the router.
    std::vector<RedisServer*> primaries();

    /// Has each server that was asked something say that it is there. Throws CacheError.
    void check_servers();

    /// Gives `server`'s reply to a command without a key. Throws as `run` does.
    static RedisReply run_at(RedisServer& server, const RedisCommand& command);

private:
    struct RoutedCommand;

    std::vector<RoutedCommand> route(const std::vector<RedisCommand>& commands,
                                     std::vector<RedisReply>& replies);
    static void send(std::vector<RoutedCommand> commands, std::optional<Deadline> deadline);
    static void send_together(const std::vector<RoutedCommand>& commands,
                              std::optional<Deadline> deadline);
    std::vector<RoutedCommand> redirected(const std::vector<RoutedCommand>& commands);
    void redirect(RoutedCommand& command, const Redirection& redirection);
    void retry(std::vector<RoutedCommand> commands, std::optional<Deadline> deadline);
    void learn_all_owners();
    std::vector<RedisServer*> learn_owners(const RedisReply& slots);
    RedisServer* owner_of(const RedisCommand& command);
    RedisServer* node(const Endpoint& endpoint, const RedisServer& informant);
    RedisServer* server(const RedisService& service);

    TimeLimit m_limit;
    RedirectionTime m_redirection_time;
    MakeServer m_make_server;
    Pause m_pause;
    std::map<std::string, std::unique_ptr<RedisServer>> m_servers; ///< By their errors' names.
    RedisServer* m_named;
    std::vector<RedisServer*> m_owners; ///< Of each slot; null: unknown. Empty: no cluster.
    bool m_asked_for_owners = false;
};

} // namespace ordercache
