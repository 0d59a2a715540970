#include "app/commands.hpp"

#include "app/context.hpp"
#include "app/outage.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>

namespace ordercache {

namespace {

std::string told(const std::optional<FollowerState>& follower) {
    if (!follower) {
        return "No follower is in charge";
    }
    return follower->is_alive
               ? "A follower is at work"
               : fmt::format("The follower has been gone since {}", in_utc(follower->last_sign));
}

} // namespace

bool run(const Ttl& ttl, Context& context) {
    const Scope scope{ttl.customer};
    const auto left = context.cache().time_left(scope);
    if (!left) {
        context.reporter().note(
            [&] { return fmt::format("{} is not cached", context.cache().key(scope)); });
    }
    const auto follower = context.cache().follower();
    context.reporter().note([&] { return told(follower); });
    context.output().time_to_live(left,
                                  follower ? std::optional(follower->is_alive) : std::nullopt);
    context.output().flush();
    return left.has_value();
}

} // namespace ordercache
