#include "io/line_reader.hpp"

#include "io/files.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <chrono>
#include <string>
#include <vector>

using namespace ordercache;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    const TemporaryFile file(text);
    LineReader reader(file.path());
    std::vector<std::string> lines;
    while (const auto line = reader.next()) {
        lines.emplace_back(*line);
    }
    CHECK(reader.number() == lines.size());
    CHECK(reader.bytes() == text.size());
    CHECK(reader.size() == text.size());
    CHECK_FALSE(reader.next());
    return lines;
}

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("lines come without their ends, and the last needs none") {
    CHECK(lines_of("a\nb\r\n\nc") == Lines{"a", "b", "", "c"});
    CHECK(lines_of("a\n") == Lines{"a"});
    CHECK(lines_of("") == Lines{});
}

TEST_CASE("a byte-order mark is dropped at the beginning alone") {
    CHECK(lines_of("\xEF\xBB\xBF"
                   "a\n\xEF\xBB\xBF"
                   "b") == Lines{"a", "\xEF\xBB\xBF"
                                      "b"});
}

TEST_CASE("a line that the buffer's end cuts is whole again") {
    const std::string long_line(40 << 10, 'x');
    CHECK(lines_of(long_line + "\n" + long_line + "\n" + long_line) ==
          Lines{long_line, long_line, long_line});
}

TEST_CASE("a reader is ready when a whole line or the end is there") {
    Pipe pipe;
    LineReader reader(pipe.path());
    CHECK_FALSE(reader.is_ready());
    pipe.write("a");
    CHECK_FALSE(reader.is_ready());
    pipe.write("b\nc");
    CHECK(reader.is_ready());
    CHECK(reader.next() == "ab");
    CHECK_FALSE(reader.is_ready());
    pipe.close_end(1);
    CHECK(reader.is_ready());
    CHECK(reader.next() == "c");
    CHECK(reader.is_ready());
    CHECK_FALSE(reader.next());
    CHECK_FALSE(reader.size());
}

TEST_CASE("a wait for input, and for the writer of a FIFO, ends with the limit") {
    const Pipe pipe;
    const std::string fifo = "/tmp/ordercache-test-fifo." + std::to_string(getpid());
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    for (const std::string& path : {pipe.path(), fifo}) {
        LineReader reader(path, TimeLimit::each_wait(5ms));
        CHECK_THROWS_WITH_AS(reader.next(),
                             ("cannot read " + path + ": nothing came within --timeout").c_str(),
                             Error);
    }
    unlink(fifo.c_str());
}

TEST_CASE("what cannot be opened or read says why") {
    CHECK_THROWS_WITH_AS(LineReader("/nowhere"), "cannot read /nowhere: No such file or directory",
                         Error);
    LineReader folder("/tmp");
    CHECK_THROWS_WITH_AS(folder.next(), "cannot read /tmp: Is a directory", Error);
}
