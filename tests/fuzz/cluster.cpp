// What the nodes of a cluster send: slots that there are, and redirections out of errors alone; and
// keys with a hash tag in common are in one slot.

#include "redis/cluster.hpp"

#include "fuzzing.hpp"

#include <stdexcept>
#include <string>

namespace {

using namespace ordercache;

bool has_port(const Endpoint& node) {
    return parse_port(node.port).has_value();
}

void check_reply(const RedisReply& reply) {
    for (const SlotRange& range : slot_ranges_in(reply)) {
        require(range.first <= range.last, "a range has a slot");
        require(range.last < k_slots, "a slot is one of the cluster's");
        require(has_port(range.primary), "a primary has a port");
    }
    if (const auto redirection = redirection_in(reply)) {
        require(reply.kind == RedisReply::Kind::error, "a redirection is an error");
        require(!is_cross_slot(reply), "a command of several slots is not redirected");
        require(redirection->kind == Redirection::Kind::try_again || has_port(redirection->node),
                "another node has a port");
    }
}

void check_replies(std::string_view bytes) {
    ReplyReader reader;
    try {
        reader.feed(bytes);
        while (const auto reply = reader.next()) {
            check_reply(*reply);
        }
    } catch (const std::runtime_error&) {
        return; // no reply at all
    }
}

void check_slot(std::string_view key) {
    require(slot_of(key) < k_slots, "a key's slot is one of the cluster's");
    if (!key.empty() && key.find_first_of("{}") == std::string_view::npos) {
        require(slot_of('{' + std::string(key) + "}:lease") == slot_of(key), "a tag decides");
    }
}

} // namespace

FUZZER(cluster, input) {
    check_replies(input);
    check_slot(input);
}
