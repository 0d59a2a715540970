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

/// The exit statuses without a failure: those of failures are their kinds. A signal ends the
/// program as it does by default (128+n).
constexpr int k_done = 0;
constexpr int k_answer_is_no = 1;

int status_of(ErrorKind kind) {
    return static_cast<int>(kind);
}

int show(const Page& page, Console& console) {
    if (!page.was_asked_for) {
        console.page(page.text);
        return status_of(ErrorKind::usage);
    }
    Output output(Format::text);
    output.page(page.text);
    output.flush();
    return k_done;
}

int execute(const Invocation& invocation, const Config& config, Console& console) {
    console.configure(invocation.verbose, invocation.quiet, limit_of(invocation));
    Context context(invocation, config, console);
    const bool is_yes =
        std::visit([&](const auto& command) { return run(command, context); }, invocation.command);
    return is_yes ? k_done : k_answer_is_no;
}

int parse_and_execute(int argc, char** argv, Console& console) {
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
int unforeseen(const char* what, Console& console) {
    console.error(what);
    if (!commit_was_sent()) {
        return status_of(ErrorKind::store_failed);
    }
    console.error("COMMIT was sent: before a retry, check whether the order exists");
    return status_of(ErrorKind::in_doubt);
}

/// The only catch of last resort. Only Interrupted passes.
int guarded(int argc, char** argv, Console& console, bool ends_by_sigpipe) {
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
        const int status = guarded(argc, argv, console, ends_by_sigpipe);
        throw_if_signalled();
        return status;
    } catch (const Interrupted& interrupted) {
        end_by_signal(interrupted.signal);
    }
}
