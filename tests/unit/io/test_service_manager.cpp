#include "io/service_manager.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace ordercache;

namespace {

/// Hears at an abstract address of its own.
class Manager {
public:
    Manager() : m_fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        std::ranges::copy(m_name, address.sun_path + 1);
        const auto size =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + m_name.size());
        REQUIRE(bind(m_fd, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;
    ~Manager() { close(m_fd); }

    std::string socket_name() const { return "@" + m_name; }

    std::vector<std::string> heard() const {
        std::vector<std::string> messages;
        std::array<char, 100> buffer;
        for (ssize_t size; (size = recv(m_fd, buffer.data(), buffer.size(), 0)) >= 0;) {
            messages.emplace_back(buffer.data(), static_cast<std::size_t>(size));
        }
        return messages;
    }

private:
    std::string m_name = "ordercache-unit-test-" + std::to_string(getpid());
    int m_fd;
};

Environment environment(const std::map<std::string, std::string>& variables) {
    return [variables](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

} // namespace

TEST_CASE("the service manager hears once that the program is ready, and each change in one line") {
    const Manager manager;
    ServiceManager service(environment({{"NOTIFY_SOCKET", manager.socket_name()}}));
    service.alive();
    service.status("Following");
    service.status("Following");
    service.status("away\nREADY=1");
    service.status("Following");
    CHECK(manager.heard() == std::vector<std::string>{"STATUS=Following", "READY=1",
                                                      "STATUS=away READY=1", "STATUS=Following"});
}

TEST_CASE("it hears twice in its time that the program is alive") {
    const Manager manager;
    ServiceManager service(environment({{"NOTIFY_SOCKET", manager.socket_name()},
                                        {"WATCHDOG_USEC", "600000"},
                                        {"WATCHDOG_PID", std::to_string(getpid())}}));
    service.alive();
    service.alive();
    CHECK(manager.heard() == std::vector<std::string>{"WATCHDOG=1"});
    std::this_thread::sleep_for(std::chrono::milliseconds{301});
    service.alive();
    CHECK(manager.heard() == std::vector<std::string>{"WATCHDOG=1"});
}

TEST_CASE("a watchdog of another process hears nothing") {
    const Manager manager;
    ServiceManager service(environment({{"NOTIFY_SOCKET", manager.socket_name()},
                                        {"WATCHDOG_USEC", "20000"},
                                        {"WATCHDOG_PID", "1"}}));
    service.alive();
    CHECK(manager.heard().empty());
}

TEST_CASE("without a service manager, or with one that is gone, nothing happens") {
    for (const std::string& socket :
         std::vector<std::string>{"", "/nowhere/at/all", std::string(200, 'x')}) {
        ServiceManager service(environment({{"NOTIFY_SOCKET", socket}, {"WATCHDOG_USEC", "x"}}));
        CHECK_NOTHROW(service.status("Following"));
        CHECK_NOTHROW(service.alive());
    }
    ServiceManager none(environment({}));
    CHECK_NOTHROW(none.status("Following"));
}
