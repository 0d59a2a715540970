#include "app/commands.hpp"

#include "app/context.hpp"
#include "app/outage.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>

namespace ordercache {

namespace {

using FractionalSeconds = std::chrono::duration<double>;

std::string told_of_value(const std::string& key, std::optional<std::chrono::seconds> left) {
    if (!left) {
        return fmt::format("{} is not cached", key);
    }
    return left->count() < 0 ? fmt::format("{} is cached and never expires", key)
                             : fmt::format("{} is cached for another {} s", key, left->count());
}

std::string told_of_follower(const std::optional<FollowerState>& follower) {
    if (!follower) {
        return "No follower is in charge";
    }
    return follower->is_alive
               ? fmt::format("A follower is at work; its last poll began {:.1f} s ago",
                             FractionalSeconds(follower->last_poll).count())
               : fmt::format("The follower has been gone since {}", in_utc(follower->last_sign));
}

std::string told_of_total(const CacheActivity& activity) {
    const std::int64_t adds = activity.adds_in_flight;
    return fmt::format("{} in flight, and the total is {}being counted",
                       adds == 0   ? "No add is"
                       : adds == 1 ? "1 add is"
                                   : fmt::format("{} adds are", adds),
                       activity.total_is_being_counted ? "" : "not ");
}

void tell(const Ttl& ttl, const CacheActivity& activity, Reporter& reporter) {
    reporter.note([&] { return told_of_follower(activity.follower); });
    if (!ttl.customer) {
        reporter.note([&] { return told_of_total(activity); });
    }
}

Fields fields_of(const Ttl& ttl, const CacheActivity& activity) {
    Fields fields;
    if (activity.follower) {
        fields.emplace_back("followed", fmt::to_string(activity.follower->is_alive));
        fields.emplace_back(
            "last_poll",
            fmt::format("{:.3f}", FractionalSeconds(activity.follower->last_poll).count()));
    }
    if (!ttl.customer) {
        fields.emplace_back("adds_in_flight", fmt::to_string(activity.adds_in_flight));
        fields.emplace_back("counting", fmt::to_string(activity.total_is_being_counted));
    }
    return fields;
}

} // namespace

bool run(const Ttl& ttl, Context& context) {
    const Scope scope{ttl.customer};
    const auto left = context.cache().time_left(scope);
    context.reporter().note([&] { return told_of_value(context.cache().key(scope), left); });
    Fields more;
    if (context.reporter().is_verbose() || context.output().is_json()) {
        const CacheActivity activity = context.cache().activity();
        tell(ttl, activity, context.reporter());
        more = fields_of(ttl, activity);
    }
    context.output().time_to_live(left, more);
    context.output().flush();
    return left.has_value();
}

} // namespace ordercache
