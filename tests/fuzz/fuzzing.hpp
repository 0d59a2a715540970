// What the fuzzers share. A fuzzer is one source that says by FUZZER what must hold whatever the
// input. libFuzzer makes inputs up for it; in the unit tests it is a test case with the inputs of
// its corpus.

#pragma once

#include <fmt/format.h>

#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#ifdef ORDERCACHE_CORPUS
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#define FUZZER(name, input)                                                                        \
    static void fuzz_##name(std::string_view input);                                               \
    TEST_CASE("what must hold of any input holds of the corpus of " #name) {                       \
        ordercache::replay(ORDERCACHE_CORPUS "/" #name, fuzz_##name);                              \
    }                                                                                              \
    static void fuzz_##name(std::string_view input)
#else
#define FUZZER(name, input)                                                                        \
    static void fuzz(std::string_view input);                                                      \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {            \
        fuzz({reinterpret_cast<const char*>(data), size});                                         \
        return 0;                                                                                  \
    }                                                                                              \
    static void fuzz(std::string_view input)
#endif

namespace ordercache {

#ifdef ORDERCACHE_CORPUS
inline void require(bool holds, const char* property) {
    REQUIRE_MESSAGE(holds, std::string(property));
}

inline void replay(const char* corpus, void (*fuzz)(std::string_view)) {
    std::size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
        INFO(entry.path().string());
        std::ifstream file(entry.path(), std::ios::binary);
        fuzz(std::string(std::istreambuf_iterator<char>(file), {}));
        ++inputs;
    }
    CHECK(inputs > 0);
}
#else
/// Ends the fuzzer, which then keeps the input, unless the property holds.
inline void require(bool holds, const char* property) {
    if (!holds) {
        static_cast<void>(std::fprintf(stderr, "broken: %s\n", property));
        std::abort();
    }
}
#endif

/// Part of every password; nothing else that the program could say contains it.
inline constexpr std::string_view k_secret = "Zq7SecretX";

inline void require_no_secret(std::string_view said) {
    require(said.find(k_secret) == std::string_view::npos, "a password is never shown");
}

/// Every byte as %XX but for digits and small letters.
inline std::string percent_encode(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
        encoded +=
            plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

inline std::string seconds(std::chrono::milliseconds duration) {
    return fmt::format("{}.{:03}", duration.count() / 1000, duration.count() % 1000);
}

/// A file in memory, with a path to open it by.
class MemoryFile {
public:
    explicit MemoryFile(std::string_view contents) : m_fd(memfd_create("fuzz", MFD_CLOEXEC)) {
        const auto size = static_cast<ssize_t>(contents.size());
        require(m_fd >= 0 && write(m_fd, contents.data(), contents.size()) == size,
                "it is written");
    }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    ~MemoryFile() { close(m_fd); }

    std::string path() const { return fmt::format("/proc/self/fd/{}", m_fd); }

private:
    int m_fd;
};

} // namespace ordercache
