#pragma once

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

/// A file with a text, gone at the end of the test.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& text) {
        close(mkstemp(m_path.data()));
        std::ofstream(m_path) << text;
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() { unlink(m_path.c_str()); }

    const std::string& path() const { return m_path; }

private:
    std::string m_path = "/tmp/ordercache-test.XXXXXX";
};

struct Pipe {
    Pipe() { REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_end(0);
        close_end(1);
    }

    void close_end(std::size_t end) {
        if (ends.at(end) >= 0) {
            ::close(ends.at(end));
            ends.at(end) = -1;
        }
    }

    /// All that is written until the writing end is closed.
    std::string read_all() const {
        std::string text;
        std::array<char, 4096> piece{};
        for (ssize_t got = 0; (got = ::read(ends[0], piece.data(), piece.size())) > 0;) {
            text.append(piece.data(), static_cast<std::size_t>(got));
        }
        return text;
    }

    void write(std::string_view text) const {
        REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }

    /// A path by which the reading end can be opened.
    std::string path() const { return "/dev/fd/" + std::to_string(ends[0]); }

    std::array<int, 2> ends{-1, -1};
};
