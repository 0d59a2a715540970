#include "app/commands.hpp"

#include "app/context.hpp"

#include <variant>

namespace ordercache {

ExitStatus run(const Invocation& invocation, const Config& config, Reporter& reporter) {
    Context context(invocation, config, reporter);
    return std::visit([&](const auto& command) { return run(command, context); },
                      invocation.command);
}

} // namespace ordercache
