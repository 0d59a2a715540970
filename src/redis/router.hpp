#pragma once

#include "base/waiting.hpp"
#include "redis/cluster.hpp"
#include "redis/server.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ordercache {

/// Sends each command to the server that has its key: the server that the URI names or, if that
/// turns out to be a node of a cluster, the node that serves the key.
class RedisRouter {
public:
    RedisRouter(const RedisService& service, RedisOptions options)
        : m_options(std::move(options)), m_named(server(service)) {}

    /// Connects to the server that the URI names.
    void connect() { m_named->connect(); }

    /// The service that the URI names.
    const RedisService& service() const { return m_named->service(); }

    /// Returns a reply to each command, each of which has a key. Follows redirections as long as
    /// the limits allow: a command that is redirected runs after those behind it. Throws CacheError
    /// if a reply is an error or does not fit its command, as check_reply() does.
    std::vector<RedisReply> run(const std::vector<RedisCommand>& commands,
                                std::optional<Deadline> deadline = std::nullopt);

    /// Returns whether a server has said that it is a node of a cluster.
    bool is_cluster() const { return !m_owners.empty(); }

    /// Returns the server or, of a cluster, all primaries. They live as long as the router. Throws
    /// CacheError.
    std::set<RedisServer*> primaries();

    /// Makes sure that every server that has keys is still a primary, and then returns the reply to
    /// a command that has a key. Follows no redirection. Throws CacheError.
    RedisReply run_if_primaries(const RedisCommand& command);

private:
    /// A command on its way to a server, and its reply.
    struct RoutedCommand {
        const RedisCommand* command;
        RedisServer* server;
        bool asking = false; ///< The slot is moving to the server, which serves it if asked to.
        RedisReply reply = {};
    };

    Deadline redirection_deadline() const;
    void deliver(std::vector<RoutedCommand>& commands, std::optional<Deadline> deadline);
    static void send(const std::vector<RoutedCommand*>& commands, std::optional<Deadline> deadline);
    bool redirect(RoutedCommand& command);
    void learn_owners(const RedisReply& slots);
    std::set<RedisServer*> owners() const;
    RedisServer* owner_of(const RedisCommand& command);
    RedisServer* node(const Endpoint& endpoint, const RedisServer& informant);
    RedisServer* server(const RedisService& service);

    RedisOptions m_options;
    std::map<std::string, RedisServer> m_servers; ///< By their names in errors.
    RedisServer* m_named;
    std::vector<RedisServer*> m_owners; ///< Of each slot, or null. Empty without a cluster.
    bool m_asked_for_owners = false;
};

} // namespace ordercache
