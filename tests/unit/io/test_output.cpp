#include "io/output.hpp"

#include "io/files.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <locale>
#include <string>
#include <thread>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

std::string written(Format format, const std::function<void(Output&)>& print) {
    Pipe pipe;
    Output output(format, TimeLimit::none(), pipe.ends[1]);
    print(output);
    output.flush();
    pipe.close_end(1);
    return pipe.read_all();
}

struct Answer {
    std::function<void(Output&)> print;
    std::string text;
    std::string json;
};

struct Grouping : std::numpunct<char> {
    char do_thousands_sep() const override { return ','; }
    std::string do_grouping() const override { return "\3"; }
};

struct PipeSignalIgnored {
    PipeSignalIgnored() : before(std::signal(SIGPIPE, SIG_IGN)) {}
    PipeSignalIgnored(const PipeSignalIgnored&) = delete;
    PipeSignalIgnored& operator=(const PipeSignalIgnored&) = delete;
    ~PipeSignalIgnored() { static_cast<void>(std::signal(SIGPIPE, before)); }

    void (*before)(int);
};

} // namespace

TEST_CASE("every answer is one line, of text or of JSON") {
    using enum CustomerType;
    const std::array answers = {
        Answer{[](Output& o) { o.count(12000); }, "12000\n", "{\"count\":12000}\n"},
        Answer{[](Output& o) { o.count(3'000'000'000); }, "3000000000\n",
               "{\"count\":3000000000}\n"},
        Answer{[](Output& o) { o.customer_count({"9999"}, integer, 10); }, "9999\t10\n",
               "{\"customer\":9999,\"count\":10}\n"},
        Answer{[](Output& o) { o.customer_count({R"(a "b" \)"}, text, 10); }, "a \"b\" \\\t10\n",
               "{\"customer\":\"a \\\"b\\\" \\\\\",\"count\":10}\n"},
        Answer{[](Output& o) { o.customer_count({"7"}, text, 10); }, "7\t10\n",
               "{\"customer\":\"7\",\"count\":10}\n"},
        Answer{[](Output& o) { o.order_added({"ALFKI"}, text, "12001"); }, "12001\n",
               "{\"updated\":{\"customer\":\"ALFKI\",\"order\":12001}}\n"},
        Answer{[](Output& o) { o.order_added({"9999"}, integer, "12001"); }, "12001\n",
               "{\"updated\":{\"customer\":9999,\"order\":12001}}\n"},
        Answer{[](Output& o) { o.order_added({"9999"}, integer, "72-ab"); }, "72-ab\n",
               "{\"updated\":{\"customer\":9999,\"order\":\"72-ab\"}}\n"},
        Answer{[](Output& o) { o.order_added({"9999"}, integer, "-7"); }, "-7\n",
               "{\"updated\":{\"customer\":9999,\"order\":-7}}\n"},
        Answer{[](Output& o) { o.order_added({"9999"}, integer, "007"); }, "007\n",
               "{\"updated\":{\"customer\":9999,\"order\":\"007\"}}\n"},
        Answer{[](Output& o) { o.order_added({"9999"}, integer, ""); }, "\n",
               "{\"updated\":{\"customer\":9999,\"order\":\"\"}}\n"},
        Answer{[](Output& o) { o.order_added({"9999"}, integer, "a\"\\\n\x01é"); },
               "a\"\\\n\x01é\n",
               "{\"updated\":{\"customer\":9999,\"order\":\"a\\\"\\\\\\u000a\\u0001é\"}}\n"},
        Answer{[](Output& o) { o.orders_added(1000); }, "1000\n",
               "{\"updated\":{\"orders\":1000}}\n"},
        Answer{[](Output& o) { o.invalidated(8); }, "8\n", "{\"invalidated\":8}\n"},
        Answer{[](Output& o) {
                   o.time_to_live(87s, {{"followed", "true"}, {"last_poll", "0.300"}});
               },
               "87\n", "{\"ttl\":87,\"followed\":true,\"last_poll\":0.300}\n"},
        Answer{[](Output& o) { o.time_to_live(-1s, {}); }, "-1\n", "{\"ttl\":-1}\n"},
        Answer{[](Output& o) {
                   o.time_to_live(std::nullopt, {{"followed", "false"}});
               },
               "", "{\"ttl\":null,\"followed\":false}\n"},
    };
    for (const Answer& answer : answers) {
        CHECK(written(Format::text, answer.print) == answer.text);
        CHECK(written(Format::json, answer.print) == answer.json);
    }
}

TEST_CASE("a number is never grouped, whatever the locale") {
    const std::locale before = std::locale::global(std::locale(std::locale(), new Grouping));
    CHECK(written(Format::text, [](Output& o) { o.count(1234567); }) == "1234567\n");
    CHECK(written(Format::json, [](Output& o) { o.count(1234567); }) == "{\"count\":1234567}\n");
    std::locale::global(before);
}

TEST_CASE("nothing is written before it is flushed or the buffer is full") {
    Pipe pipe;
    Output output(Format::text, TimeLimit::none(), pipe.ends[1]);
    output.count(5);
    ::fcntl(pipe.ends[0], F_SETFL, O_NONBLOCK);
    CHECK(pipe.read_all().empty());
    output.flush();
    CHECK(pipe.read_all() == "5\n");
    output.flush();
    CHECK(pipe.read_all().empty());
}

TEST_CASE("many lines pass whole through a pipe that takes them in small pieces") {
    constexpr int k_lines = 100'000;
    std::string expected;
    for (int i = 1; i <= k_lines; ++i) {
        expected += fmt::format("{}\t{}\n", i, i);
    }
    for (const int flags : {0, O_NONBLOCK}) {
        CAPTURE(flags);
        Pipe pipe;
        ::fcntl(pipe.ends[1], F_SETPIPE_SZ, 4096);
        ::fcntl(pipe.ends[1], F_SETFL, flags);
        std::string got;
        std::thread reader([&] { got = pipe.read_all(); });
        Output output(Format::text, TimeLimit::none(), pipe.ends[1]);
        for (int i = 1; i <= k_lines; ++i) {
            output.customer_count({std::to_string(i)}, CustomerType::integer, i);
        }
        output.flush();
        pipe.close_end(1);
        reader.join();
        CHECK(got == expected);
    }
}

TEST_CASE("a full device is an error that says so") {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(full >= 0);
    Output output(Format::text, TimeLimit::none(), full);
    output.count(1);
    try {
        output.flush();
        FAIL("the write did not fail");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::output_failed);
        CHECK(std::string(error.what()) == "cannot write to stdout: No space left on device");
    }
    CHECK_NOTHROW(output.flush());
    ::close(full);
}

TEST_CASE("a closed pipe is an error of its own") {
    const PipeSignalIgnored ignored;
    Pipe pipe;
    pipe.close_end(0);
    Output output(Format::text, TimeLimit::none(), pipe.ends[1]);
    output.count(1);
    CHECK_THROWS_AS(output.flush(), ClosedPipe);
}
