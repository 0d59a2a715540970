#include "io/line_reader.hpp"

#include "io/files.hpp"

#include <doctest/doctest.h>

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

using namespace ordercache;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    const TemporaryFile file(text);
    LineReader reader(file.path());
    std::vector<std::string> lines;
    while (const auto line = reader.next()) {
        lines.emplace_back(*line);
    }
    CHECK(reader.number() == lines.size());
    CHECK(reader.part_read().value_or(1) == 1);
    CHECK_FALSE(reader.next());
    return lines;
}

std::string complaint_about(const std::string& text) {
    try {
        lines_of(text);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
    }
    return "";
}

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("lines come without their ends, and the last needs none") {
    CHECK(lines_of("a\nb\r\n\nc") == Lines{"a", "b", "", "c"});
    CHECK(lines_of("a\n") == Lines{"a"});
    CHECK(lines_of("\xEF\xBB\xBF"
                   "a") == Lines{"a"});
    CHECK(lines_of("") == Lines{});
}

TEST_CASE("a file that is not text in lines says what it is") {
    const std::string mark = "\xEF\xBB\xBF";
    const auto is_refused = [](const std::string& text, std::string_view line_and_reason) {
        CAPTURE(text);
        const std::string complaint = complaint_about(text);
        CHECK(complaint.find(line_and_reason) != std::string::npos);
    };
    for (const std::string& text :
         {"\xFF\xFE" + "7\0\n\0"s, "\xFE\xFF" + "\0\x37\0\n"s, "7\0\n\0"s, "\0\x37\0\n"s}) {
        is_refused(text, ", line 1: the file is not UTF-8, maybe UTF-16: ");
    }
    is_refused("a\rb\rc\r", ", line 1: there is a carriage return within the line: ");
    is_refused("a\r\nb\r\r\n", ", line 2: there is a carriage return within the line: ");
    std::string of_a_macintosh;
    for (int i = 0; i < 20'000; ++i) {
        of_a_macintosh += "1234567\r";
    }
    is_refused(of_a_macintosh, ", line 1: there is a carriage return within the line: ");
    is_refused("a\n" + mark + "b\n", ", line 2: there is a byte-order mark within the file: ");
    is_refused("a\nb" + mark + "c\n", ", line 2: there is a byte-order mark within the file: ");
    is_refused(mark + mark + "a\n", ", line 1: there is a byte-order mark within the file: ");
}

TEST_CASE("a line that the buffer's end cuts is whole again") {
    const std::string long_line(40 << 10, 'x');
    CHECK(lines_of(long_line + "\n" + long_line + "\n" + long_line + "\n") ==
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
    CHECK(reader.has_end());
    CHECK(reader.is_ready());
    CHECK(reader.next() == "c");
    CHECK_FALSE(reader.has_end());
    CHECK(reader.is_ready());
    CHECK_FALSE(reader.next());
    CHECK_FALSE(reader.part_read());
}

TEST_CASE("a reader knows what part of its file was read") {
    const TemporaryFile file("abc\ndef\n");
    LineReader reader(file.path());
    CHECK(reader.part_read() == 0);
    CHECK(reader.next() == "abc");
    CHECK(reader.part_read() == 0.5);
    std::filesystem::resize_file(file.path(), 2);
    CHECK(reader.part_read() == 1);
    std::filesystem::resize_file(file.path(), 0);
    CHECK_FALSE(reader.part_read());
}

TEST_CASE("a wait for input, and for the writer of a FIFO, ends with the limit") {
    const Pipe pipe;
    const std::string fifo = "/tmp/ordercache-test-fifo." + std::to_string(getpid());
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    for (const std::string& path : {pipe.path(), fifo}) {
        LineReader reader(path, TimeLimit::each_wait(5ms));
        CHECK_THROWS_WITH_AS(
            reader.next(), ("cannot read " + path + ": no input within --timeout").c_str(), Error);
    }
    unlink(fifo.c_str());
}

TEST_CASE("what cannot be opened or read says why") {
    CHECK_THROWS_WITH_AS(LineReader("/nowhere"), "cannot read /nowhere: No such file or directory",
                         Error);
    LineReader folder("/tmp");
    CHECK_THROWS_WITH_AS(folder.next(), "cannot read /tmp: Is a directory", Error);
}
