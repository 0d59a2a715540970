#include "io/console.hpp"

#include "io/files.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

/// Has stderr go elsewhere while it lives.
class Redirection {
public:
    explicit Redirection(int fd) { REQUIRE(dup2(fd, STDERR_FILENO) >= 0); }
    explicit Redirection(const Pipe& pipe) : Redirection(pipe.ends[1]) {}
    Redirection(const Redirection&) = delete;
    Redirection& operator=(const Redirection&) = delete;
    ~Redirection() {
        dup2(m_own, STDERR_FILENO);
        close(m_own);
    }

private:
    int m_own = dup(STDERR_FILENO);
};

/// Returns what a terminal of that width is sent.
std::string shown(unsigned short columns, const std::function<void(Console&)>& act) {
    setenv("TERM", "xterm", 1);
    const int screen = posix_openpt(O_RDWR | O_NOCTTY);
    REQUIRE(grantpt(screen) == 0);
    REQUIRE(unlockpt(screen) == 0);
    const int terminal = open(ptsname(screen), O_RDWR | O_NOCTTY);
    const winsize size = {24, columns, 0, 0};
    REQUIRE(ioctl(terminal, TIOCSWINSZ, &size) == 0);
    {
        const Redirection redirection(terminal);
        Console console;
        act(console);
    }
    close(terminal); // so that a read fails once everything has come
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t length = 0; (length = read(screen, piece.data(), piece.size())) > 0;) {
        text.append(piece.data(), static_cast<std::size_t>(length));
    }
    close(screen);
    return text;
}

std::string told(bool verbose, bool quiet, const std::string& warning = "a warning") {
    Pipe pipe;
    {
        const Redirection redirection(pipe);
        Console console;
        console.configure(verbose, quiet, TimeLimit::none());
        console.note("a note");
        console.hint("a hint");
        console.status("a status");
        console.warn(warning);
        console.error("an error");
    }
    pipe.close_end(1);
    return pipe.read_all();
}

} // namespace

TEST_CASE("notes are told where they are asked for, warnings unless silenced, errors always") {
    CHECK(told(false, true) == "ordercache: error: an error\n");
    CHECK(told(false, false) == "ordercache: warning: a warning\nordercache: error: an error\n");
    CHECK(told(true, true) == "a note\nordercache: error: an error\n");
}

TEST_CASE("a line stays one, and a terminal obeys nothing in it") {
    CHECK(told(false, false,
               "a\nb\x1b[31mc\xC2\x9B"
               "31md")
              .starts_with("ordercache: warning: a b [31mc 31md\n"));
}

TEST_CASE("a terminal shows a hint, and a status until the next line") {
    CHECK(shown(80, [](Console& console) {
              console.hint("a hint");
              console.status("half");
              console.error("an error");
          }) == "a hint\r\n\rhalf\x1b[K\r\x1b[Kordercache: error: an error\r\n");
}

TEST_CASE("a terminal shows neither where all is to be quiet") {
    CHECK(shown(80, [](Console& console) {
              console.configure(false, true, TimeLimit::none());
              console.hint("a hint");
              console.status("half");
          }).empty());
}

TEST_CASE("a status fits every width") {
    for (unsigned short columns = 1; columns < 20; ++columns) {
        const auto text = std::string("12000 orders").substr(0, columns - 1U);
        CHECK(shown(columns, [](Console& console) { console.status("12000 orders"); }) ==
              '\r' + text + "\x1b[K");
    }
}

TEST_CASE("a stderr that nobody reads is waited for once, and its lines are left unsaid") {
    const Pipe pipe;
    pipe.write(std::string(64 << 10, 'x'));
    const auto start = std::chrono::steady_clock::now();
    {
        const Redirection redirection(pipe);
        Console console;
        console.configure(true, false, TimeLimit::each_wait(50ms));
        for (int i = 0; i < 100; ++i) {
            console.note("a note");
        }
    }
    const auto lasted = std::chrono::steady_clock::now() - start;
    CHECK(lasted >= 50ms);
    CHECK(lasted < 2s);
}

TEST_CASE("the bar fills with the part of the input that is read") {
    CHECK(progress_bar(10, "orders", 0.0) == "10 orders [                    ]   0%");
    CHECK(progress_bar(10, "orders", 0.5) == "10 orders [==========          ]  50%");
    CHECK(progress_bar(10, "orders", 1.0) == "10 orders [====================] 100%");
}

TEST_CASE("without a size the items alone are told") {
    CHECK(progress_bar(12000, "orders", std::nullopt) == "12000 orders");
}
