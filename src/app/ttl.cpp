#include "app/commands.hpp"

#include "app/context.hpp"

namespace ordercache {

ExitStatus run(const Ttl& ttl, Context& context) {
    const auto left = context.cache().time_left(Scope{ttl.customer});
    context.output().time_to_live(left);
    context.output().flush();
    return left ? ExitStatus::done : ExitStatus::no;
}

} // namespace ordercache
