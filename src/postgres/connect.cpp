#include "postgres/connect.hpp"

#include "base/lazy_library.hpp"
#include "base/signals.hpp"
#include "base/uri.hpp"
#include "base/waiting.hpp"
#include "postgres/failure_text.hpp"
#include "postgres/session.hpp"
#include "postgres/uri.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libpq-fe.h>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <new>
#include <optional>
#include <vector>

namespace ordercache {

namespace {

using namespace std::chrono_literals;
using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
using Parameters = std::map<std::string, std::string, std::less<>>;

constexpr std::chrono::seconds k_connect_timeout = 5s;
constexpr std::chrono::seconds k_timeout_of_each_host = 2s;

/// Of the connection string, the environment and a service file.
Parameters parameters_in_use(PGconn* connection) {
    const Options options(PQconninfo(connection), &PQconninfoFree);
    if (!options) {
        throw std::bad_alloc();
    }
    Parameters parameters;
    for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
        parameters.emplace(option->keyword, option->val == nullptr ? "" : option->val);
    }
    return parameters;
}

/// libpq judges a whole number only when it needs it.
std::optional<int> whole_number(const Parameters& parameters, std::string_view name) {
    const std::string& text = parameters.at(std::string(name));
    if (text.empty()) {
        return std::nullopt;
    }
    int number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || end != text.data() + text.size()) {
        throw BadSetting(fmt::format("{} must be a whole number", name));
    }
    return number;
}

void check_whole_numbers(const Parameters& parameters) {
    for (const char* name : {"connect_timeout", "keepalives", "keepalives_idle",
                             "keepalives_interval", "keepalives_count", "tcp_user_timeout"}) {
        whole_number(parameters, name);
    }
}

bool names_several_hosts(const Parameters& parameters) {
    return (parameters.at("host") + parameters.at("hostaddr")).find(',') != std::string::npos;
}

struct Limits {
    Deadline whole;
    std::optional<std::chrono::seconds> each_host;

    Deadline of_next_host() const { return each_host ? whole.or_in(*each_host) : whole; }
};

Limits limits_of(const Parameters& parameters, Deadline deadline) {
    const auto seconds = whole_number(parameters, "connect_timeout");
    if (!seconds) {
        return {deadline.or_in(k_connect_timeout),
                names_several_hosts(parameters) ? k_timeout_of_each_host : k_connect_timeout};
    }
    const bool has_limit = *seconds > 0;
    return {deadline, has_limit ? std::optional(std::chrono::seconds(*seconds)) : std::nullopt};
}

/// The list without the element at `index`. A list of one is for all hosts.
std::string without_element(std::string_view list, std::size_t index) {
    auto elements = split(list, ',');
    if (elements.size() > 1) {
        elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(index));
    }
    return quote_parameter(fmt::format("{}", fmt::join(elements, ",")));
}

std::string_view element(const std::vector<std::string_view>& list, std::size_t index) {
    return list.size() == 1 ? list.front() : list[index];
}

/// The connection string without the host in use, or nullopt if it names no other.
std::optional<std::string> without_host_in_use(PGconn* connection,
                                               const std::string& connection_string) {
    const Parameters parameters = parameters_in_use(connection);
    const auto hosts = split(parameters.at("host"), ',');
    const auto addresses = split(parameters.at("hostaddr"), ',');
    const auto ports = split(parameters.at("port"), ',');
    const std::size_t count = std::max(hosts.size(), addresses.size());
    for (std::size_t i = 0; count > 1 && i < count; ++i) {
        const auto host = element(hosts, i).empty() ? element(addresses, i) : element(hosts, i);
        const auto port = element(ports, i).empty() ? "5432" : element(ports, i);
        if (host == PQhost(connection) && port == PQport(connection)) {
            return fmt::format("{} host={} hostaddr={} port={}", connection_string,
                               without_element(parameters.at("host"), i),
                               without_element(parameters.at("hostaddr"), i),
                               without_element(parameters.at("port"), i));
        }
    }
    return std::nullopt;
}

Attempt attempt_of(PGconn* connection) {
    const std::string_view host = PQhost(connection) == nullptr ? "" : PQhost(connection);
    const auto sslmode = parameters_in_use(connection)["sslmode"];
    return {.needs_password = PQconnectionNeedsPassword(connection) != 0,
            .is_local = host.starts_with('/') || host.starts_with('@'),
            .declines_tls = sslmode == "disable" || sslmode == "allow"};
}

[[noreturn]] void fail(PGconn* connection, const std::string& silent_hosts) {
    const std::string message = silent_hosts + PQerrorMessage(connection);
    if (const auto refused = refused_setting(message)) {
        throw BadSetting(*refused);
    }
    throw explain_no_connection(message, attempt_of(connection));
}

void wait(PGconn* connection, PostgresPollingStatusType state, Deadline deadline,
          const std::stop_token& stop) {
    const int socket = PQsocket(connection);
    const std::stop_callback shut(stop, [socket] { shutdown(socket, SHUT_RDWR); });
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (!wait_for(socket, events, deadline, Signals::wait) || stop.stop_requested()) {
        throw TimedOut{};
    }
}

/// Throws TimedOut if the host in use says nothing for too long.
void complete(PGconn* connection, const Limits& limits, const std::stop_token& stop) {
    std::string host;
    Deadline deadline = Deadline::never();
    auto state =
        PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        std::string next =
            fmt::format("{} {} {}", PQhost(connection), PQhostaddr(connection), PQport(connection));
        if (next != host) {
            host = std::move(next);
            deadline = limits.of_next_host();
        }
        wait(connection, state, deadline, stop);
        state = PQconnectPoll(connection);
    }
}

PostgresHandle start(const std::string& connection_string) {
    PostgresHandle connection(PQconnectStart(connection_string.c_str()), &PQfinish);
    if (!connection) {
        throw std::bad_alloc();
    }
    // From here on notices are dropped, and a message of the server's has its SQLSTATE.
    PQsetNoticeProcessor(
        connection.get(), [](void*, const char*) {}, nullptr);
    PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
    return connection;
}

} // namespace

PostgresHandle connect(const std::string& connection_string, Deadline deadline,
                       const std::stop_token& stop) {
    open_library(libpq);
    std::string silent_hosts;
    std::optional<Limits> limits;
    std::optional<std::string> target = connection_string;
    for (;;) {
        PostgresHandle connection = start(*target);
        const Parameters parameters = parameters_in_use(connection.get());
        check_whole_numbers(parameters);
        limits = limits ? limits : limits_of(parameters, deadline);
        try {
            complete(connection.get(), *limits, stop);
            if (PQstatus(connection.get()) == CONNECTION_OK) {
                return connection;
            }
            fail(connection.get(), silent_hosts);
        } catch (const TimedOut&) {
            silent_hosts +=
                fmt::format("connection to server at \"{}\", port {} failed: no answer in time\n",
                            PQhost(connection.get()), PQport(connection.get()));
            target = without_host_in_use(connection.get(), *target);
            if (!target || limits->whole.passed() || stop.stop_requested()) {
                throw explain_no_connection(silent_hosts, {});
            }
        }
    }
}

} // namespace ordercache
