#include "app/commands.hpp"
#include "app/config.hpp"
#include "app/context.hpp"
#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/signals.hpp"
#include "cli/command_line.hpp"
#include "io/console.hpp"
#include "io/output.hpp"
#include "postgres/commit_outcome.hpp"

#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <variant>

namespace {

using namespace ordercache;

/// What the program tells a script. A signal ends the program as it does by default (128+n).
enum class ExitStatus : int {
    done = 0,
    no = 1,           ///< The answer is no, or it could not be written to stdout.
    usage = 2,        ///< Wrong usage, value or configuration; nothing was changed.
    store_failed = 3, ///< PostgreSQL unreachable, timed out or failing; nothing was written.
    cache_failed = 4, ///< Redis likewise, and the command needs it; nothing was written.
    in_doubt = 5,     ///< An order may have been, or was, committed: look before a retry.
};

ExitStatus status_of(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::rejected:
    case ErrorKind::output_failed:
        return ExitStatus::no;
    case ErrorKind::usage:
        return ExitStatus::usage;
    case ErrorKind::cache_failed:
        return ExitStatus::cache_failed;
    case ErrorKind::in_doubt:
        return ExitStatus::in_doubt;
    case ErrorKind::store_failed:
        break;
    }
    return ExitStatus::store_failed;
}

ExitStatus show(const Page& page, Console& console) {
    if (!page.was_asked_for) {
        console.page(page.text);
        return ExitStatus::usage;
    }
    Output output(Format::text);
    output.page(page.text);
    output.flush();
    return ExitStatus::done;
}

ExitStatus execute(const Invocation& invocation, const Config& config, Console& console) {
    console.configure(invocation.verbose, invocation.quiet, limit_of(invocation));
    Context context(invocation, config, console);
    const bool is_yes =
        std::visit([&](const auto& command) { return run(command, context); }, invocation.command);
    return is_yes ? ExitStatus::done : ExitStatus::no;
}

ExitStatus parse_and_execute(int argc, char** argv, Console& console) {
    const Config config(process_environment,
                        [&](const std::string& warning) { console.warn(warning); });
    const auto parsed = parse_command_line(argc, argv, [&] { return config.customer_type(); });
    if (const auto* page = std::get_if<Page>(&parsed)) {
        return show(*page, console);
    }
    return execute(std::get<Invocation>(parsed), config, console);
}

/// Reports a failure that nobody foresaw. If a COMMIT was sent before, an order may have been
/// written.
ExitStatus unforeseen(const char* what, Console& console) {
    console.error(what);
    if (!commit_was_sent()) {
        return ExitStatus::store_failed;
    }
    console.error("COMMIT was sent: before a retry, check whether the order exists");
    return ExitStatus::in_doubt;
}

/// The only catch of last resort. Only Interrupted passes.
ExitStatus guarded(int argc, char** argv, Console& console, bool ends_by_sigpipe) {
    try {
        return parse_and_execute(argc, argv, console);
    } catch (const ClosedPipe& error) {
        if (ends_by_sigpipe) {
            end_by_signal(SIGPIPE);
        }
        console.error(error.what());
        return status_of(error.kind());
    } catch (const BadLines& bad) {
        for (const std::string& complaint : bad.complaints()) {
            console.error(complaint);
        }
        return status_of(bad.kind());
    } catch (const Error& error) {
        console.error(error.what());
        return status_of(error.kind());
    } catch (const std::bad_alloc&) {
        return unforeseen("out of memory", console);
    } catch (const std::exception& error) {
        return unforeseen(error.what(), console);
    }
}

} // namespace

int main(int argc, char** argv) {
    unset_empty_variables();
    occupy_closed_streams();
    const bool ends_by_sigpipe = ignore_signals_of_writes();
    hold_signals();
    Console console;
    try {
        const ExitStatus status = guarded(argc, argv, console, ends_by_sigpipe);
        throw_if_signalled();
        return static_cast<int>(status);
    } catch (const Interrupted& interrupted) {
        end_by_signal(interrupted.signal);
    }
}
