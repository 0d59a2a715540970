#include "io/console.hpp"

#include "io/files.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <chrono>
#include <string>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

/// Has stderr go to a pipe while it lives.
class Redirection {
public:
    explicit Redirection(const Pipe& pipe) { REQUIRE(dup2(pipe.ends[1], STDERR_FILENO) >= 0); }
    Redirection(const Redirection&) = delete;
    Redirection& operator=(const Redirection&) = delete;
    ~Redirection() {
        dup2(m_own, STDERR_FILENO);
        close(m_own);
    }

private:
    int m_own = dup(STDERR_FILENO);
};

std::string told(bool verbose, bool quiet, const std::string& warning = "a warning") {
    Pipe pipe;
    {
        const Redirection redirection(pipe);
        Console console;
        console.configure(verbose, quiet, TimeLimit::none());
        console.note("a note");
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

TEST_CASE("a status is erased before the next line") {
    Pipe pipe;
    {
        const Redirection redirection(pipe);
        Console console;
        console.status("half");
        console.error("an error");
    }
    pipe.close_end(1);
    CHECK(pipe.read_all() == "\rhalf\x1b[K\r\x1b[Kordercache: error: an error\n");
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
    CHECK(progress_bar(10, "orders", 0.0, 80) == "10 orders [                    ]   0%");
    CHECK(progress_bar(10, "orders", 0.5, 80) == "10 orders [==========          ]  50%");
    CHECK(progress_bar(10, "orders", 1.0, 80) == "10 orders [====================] 100%");
}

TEST_CASE("without a size the items alone are told") {
    CHECK(progress_bar(12000, "orders", std::nullopt, 80) == "12000 orders");
}

TEST_CASE("the bar fits every width") {
    for (std::size_t columns = 1; columns < 200; ++columns) {
        CHECK(progress_bar(12000, "orders", 0.5, columns).size() < columns);
        CHECK(progress_bar(12000, "orders", std::nullopt, columns).size() < columns);
    }
}
