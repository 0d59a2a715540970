// What the fuzzers share. A fuzzer is one source that defines LLVMFuzzerTestOneInput by FUZZER, and
// asserts what must hold whatever the input; a crash, a leak or an undefined act ends it as well.

#pragma once

#include <fmt/format.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#define FUZZER(input)                                                                              \
    static void fuzz(std::string_view input);                                                      \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {            \
        fuzz({reinterpret_cast<const char*>(data), size});                                         \
        return 0;                                                                                  \
    }                                                                                              \
    static void fuzz(std::string_view input)

namespace ordercache {

/// Ends the fuzzer, which then keeps the input, unless the property holds.
inline void require(bool holds, const char* property) {
    if (!holds) {
        static_cast<void>(std::fprintf(stderr, "broken: %s\n", property));
        std::abort();
    }
}

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
