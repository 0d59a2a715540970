#pragma once

#include "base/error.hpp"
#include "redis/router.hpp"
#include "redis/server.hpp"
#include "replies.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ordercache::fakes {

/// Servers by their peers' names, which answer as a test says and note what they are sent.
class RedisServers {
public:
    using Answer = std::function<RedisReply(const RedisCommand&)>;
    using Pipeline = std::vector<RedisCommand>;

    /// What that server answers to each command from now on.
    void set_answer(const std::string& peer, Answer answer) { m_answers[peer] = std::move(answer); }

    /// What the server was sent, a write each.
    const std::vector<Pipeline>& sent_to(const std::string& peer) { return m_sent[peer]; }

    /// As above, all writes as one.
    Pipeline commands_to(const std::string& peer) {
        Pipeline all;
        for (const Pipeline& each : m_sent[peer]) {
            all.insert(all.end(), each.begin(), each.end());
        }
        return all;
    }

    const std::vector<std::chrono::milliseconds>& pauses() const { return m_pauses; }

    /// The services that a server was made for.
    const std::map<std::string, RedisService>& services() const { return m_services; }

    /// The fakes must outlive it.
    RedisRouter router(const RedisService& service,
                       TimeLimit limit = TimeLimit::whole(std::nullopt),
                       std::optional<std::chrono::milliseconds> redirection_time = std::nullopt) {
        return {service, limit, redirection_time,
                [this](const RedisService& each) {
                    m_services.emplace(each.peer(), each);
                    return std::make_unique<Server>(*this, each);
                },
                [this](std::chrono::milliseconds pause) { m_pauses.push_back(pause); }};
    }

private:
    class Server : public RedisServer {
    public:
        Server(RedisServers& servers, RedisService service)
            : m_servers(servers), m_service(std::move(service)) {}

        const RedisService& service() const override { return m_service; }
        void connect() override {}
        std::vector<RedisReply> run(const std::vector<RedisCommand>& commands,
                                    std::optional<Deadline> /*deadline*/) override {
            m_servers.m_sent[m_service.peer()].push_back(commands);
            std::vector<RedisReply> replies;
            for (const RedisCommand& command : commands) {
                replies.push_back(m_servers.m_answers.at(m_service.peer())(command));
            }
            return replies;
        }

    private:
        RedisServers& m_servers;
        RedisService m_service;
    };

    std::map<std::string, Answer> m_answers;
    std::map<std::string, std::vector<Pipeline>> m_sent;
    std::map<std::string, RedisService> m_services;
    std::vector<std::chrono::milliseconds> m_pauses;
};

/// What `act` fails with; empty: it does not.
inline std::string failure(const std::function<void()>& act) {
    try {
        act();
    } catch (const CacheError& error) {
        return error.what();
    }
    return "";
}

} // namespace ordercache::fakes
