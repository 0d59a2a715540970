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
        return {service,
                {.limit = limit,
                 .redirection_time = redirection_time,
                 .connect_to =
                     [this](const RedisService& each, Deadline) {
                         m_services.emplace(each.peer(), each);
                         return std::make_unique<Connection>(*this, each.peer());
                     },
                 .pause = [this](std::chrono::milliseconds pause) { m_pauses.push_back(pause); }}};
    }

private:
    /// Accepts every user, which is not noted.
    class Connection : public Stream {
    public:
        Connection(RedisServers& servers, std::string peer)
            : m_servers(servers), m_peer(std::move(peer)) {}

        void write(std::string_view bytes, Deadline /*deadline*/) override {
            Pipeline pipeline;
            m_commands.feed(bytes);
            while (const auto command = m_commands.next()) {
                RedisCommand words;
                for (const RedisReply& word : command->list) {
                    words.push_back(word.text);
                }
                if (words.front() == "AUTH") {
                    m_replies += replies::wire(replies::text("OK"));
                } else {
                    m_replies += replies::wire(m_servers.m_answers.at(m_peer)(words));
                    pipeline.push_back(words);
                }
            }
            if (!pipeline.empty()) {
                m_servers.m_sent[m_peer].push_back(pipeline);
            }
        }

        std::size_t read(std::span<char> buffer, Deadline /*deadline*/) override {
            const std::size_t length = m_replies.copy(buffer.data(), buffer.size());
            m_replies.erase(0, length);
            return length;
        }

        bool is_silent() override { return m_replies.empty(); }

    private:
        RedisServers& m_servers;
        std::string m_peer;
        ReplyReader m_commands;
        std::string m_replies;
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
