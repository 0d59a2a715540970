#pragma once

#include "base/waiting.hpp"
#include "redis/client.hpp"
#include "redis/cluster.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ordercache {

/// Which server runs a command: the one that the URI names or, where that turns out to be a node
/// of a cluster, the node that serves the command's key. A single server is asked nothing for it.
class RedisRouter {
public:
    RedisRouter(const RedisService& service, TimeLimit limit);

    /// Connects to the server that the URI names.
    void connect() { m_named->connect(); }

    /// Gives a reply to each command, each of which has a key. Follows redirections as long as the
    /// limits allow: a command that was redirected runs after those behind it. Throws CacheError
    /// where a reply is an error, but for WRONGTYPE and CROSSSLOT, which are given.
    std::vector<RedisReply> run(const std::vector<RedisCommand>& commands,
                                std::optional<Deadline> deadline = std::nullopt);

    /// Whether a server has said that it is a node of a cluster.
    bool is_cluster() const { return !m_owners.empty(); }

    /// All who hold keys of their own: asks the server for its cluster's. Throws CacheError.
    std::vector<RedisClient*> primaries();

    /// Gives `server`'s reply to a command without a key. Throws CacheError where it is an error.
    static RedisReply run_at(RedisClient& server, const RedisCommand& command);

private:
    struct Errand;

    std::vector<Errand> errands_for(const std::vector<RedisCommand>& commands,
                                    std::vector<RedisReply>& replies);
    void follow(std::vector<Errand> errands, std::optional<Deadline> deadline);
    static void run_errands(std::vector<Errand> errands, std::optional<Deadline> deadline);
    static void run_at_once(const std::vector<Errand>& errands, std::optional<Deadline> deadline);
    std::vector<Errand> redirected(const std::vector<Errand>& errands);
    void redirect(Errand& errand, const Redirection& redirection);
    RedisClient* owner_of(const RedisCommand& command);
    RedisClient* node(const Endpoint& endpoint, const RedisClient& informant);
    std::vector<RedisClient*> learn_owners(const RedisReply& slots, const RedisClient& informant);

    TimeLimit m_limit;
    std::map<std::string, RedisClient> m_nodes; ///< By the name that errors give them.
    RedisClient* m_named;
    std::vector<RedisClient*> m_owners; ///< Of each slot; null: unknown. Empty: no cluster.
    bool m_knows_all_owners = false;
};

} // namespace ordercache
