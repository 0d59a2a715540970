#include "redis/reply_reader.hpp"

#include <hiredis/hiredis.h>

#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

namespace ordercache {

namespace {

/// A page of SCAN and the values of a piece of a batch are at most a quarter of this.
constexpr std::size_t k_largest_reply = 1 << 20;

// hiredis calls the functions below for each piece of a reply. hiredis is written in C: no
// exception may pass through it, and a null pointer means that memory ran out. An element is
// created when it arrives, so that a list which claims to hold a thousand million elements costs
// nothing.

using Kind = RedisReply::Kind;

/// Returns the new reply, or null if memory ran out. hiredis owns the reply until it hands it over.
template <typename SetValue>
void* create_reply(const redisReadTask* task, Kind kind, SetValue set_value) noexcept {
    try {
        RedisReply reply{kind, {}, 0, {}};
        set_value(reply);
        if (task->parent == nullptr) {
            return new RedisReply(std::move(reply));
        }
        auto& siblings = static_cast<RedisReply*>(task->parent->obj)->list;
        return &siblings.emplace_back(std::move(reply));
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void* create_text(const redisReadTask* task, char* text, std::size_t length) {
    const Kind kind = task->type == REDIS_REPLY_ERROR ? Kind::error : Kind::text;
    return create_reply(task, kind, [=](RedisReply& reply) { reply.text.assign(text, length); });
}

void* create_integer(const redisReadTask* task, long long value) {
    return create_reply(task, Kind::integer, [=](RedisReply& reply) { reply.integer = value; });
}

void* create_nil(const redisReadTask* task) {
    return create_reply(task, Kind::nil, [](RedisReply&) {});
}

void free_reply(void* reply) {
    delete static_cast<RedisReply*>(reply);
}

/// hiredis 1 has more functions than 0.14, and counts elements in another type.
template <typename Functions>
Functions make_functions() {
    Functions functions = {};
    functions.createString = create_text;
    functions.createArray = [](const redisReadTask* task, auto /*elements*/) {
        return create_reply(task, Kind::list, [](RedisReply&) {});
    };
    functions.createInteger = create_integer;
    functions.createNil = create_nil;
    functions.freeObject = free_reply;
    if constexpr (requires { functions.createDouble; }) {
        // Only RESP3 has these types, and it is never asked for.
        functions.createDouble = [](auto...) -> void* { return nullptr; };
        functions.createBool = [](auto...) -> void* { return nullptr; };
    }
    return functions;
}

} // namespace

std::string format_command(const RedisCommand& command) {
    std::vector<const char*> arguments;
    std::vector<std::size_t> lengths;
    for (const std::string& argument : command) {
        arguments.push_back(argument.data());
        lengths.push_back(argument.size());
    }
    char* wire = nullptr;
    const auto length = redisFormatCommandArgv(&wire, static_cast<int>(command.size()),
                                               arguments.data(), lengths.data());
    if (length < 0) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<char, decltype(&redisFreeCommand)> owned(wire, &redisFreeCommand);
    return {wire, static_cast<std::size_t>(length)};
}

ReplyReader::ReplyReader() {
    static auto functions = make_functions<redisReplyObjectFunctions>();
    m_reader.reset(redisReaderCreateWithFunctions(&functions));
}

void ReplyReader::Free::operator()(redisReader* reader) const {
    redisReaderFree(reader);
}

void ReplyReader::feed(std::string_view bytes) {
    m_fed += bytes.size();
    if (m_fed > k_largest_reply) {
        throw std::runtime_error("the reply is too large");
    }
    if (redisReaderFeed(m_reader.get(), bytes.data(), bytes.size()) != REDIS_OK) {
        throw std::runtime_error(m_reader->errstr);
    }
}

std::optional<RedisReply> ReplyReader::next() {
    void* raw = nullptr;
    if (redisReaderGetReply(m_reader.get(), &raw) != REDIS_OK) {
        throw std::runtime_error(m_reader->errstr);
    }
    if (raw == nullptr) {
        return std::nullopt;
    }
    m_fed = 0;
    const std::unique_ptr<RedisReply> reply(static_cast<RedisReply*>(raw));
    return std::move(*reply);
}

bool ReplyReader::has_more() const {
    return m_reader->pos < m_reader->len || m_reader->ridx >= 0;
}

} // namespace ordercache
