#include "app/commands.hpp"

#include "app/context.hpp"

#include <fmt/format.h>

namespace ordercache {

bool run(const Ttl& ttl, Context& context) {
    const Scope scope{ttl.customer};
    const auto left = context.cache().time_left(scope);
    if (!left) {
        context.reporter().note(
            [&] { return fmt::format("{} is not cached", context.cache().key(scope)); });
    }
    context.output().time_to_live(left);
    context.output().flush();
    return left.has_value();
}

} // namespace ordercache
