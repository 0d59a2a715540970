// Shared libraries that are opened on first use: a hit needs neither libpq nor OpenSSL, and to load
// them takes several times as long as the hit itself. The calls in the source are ordinary ones:
// lazy_libraries.cmake links a forwarding stub for each function in place of the library.

#pragma once

#include <cstddef>

/// A library and its stubs, as forwarding_stubs.inc lays them out.
struct LazyLibrary {
    const char* soname;
    const char* package; ///< the Debian package that has it
    const char* names;   ///< of `count` functions, each ended by a NUL
    void** slots;        ///< where their stubs jump, in the order of the names
    std::size_t count;
    std::size_t is_open;
};

extern "C" {
extern LazyLibrary libpq;
extern LazyLibrary openssl; ///< libssl and libcrypto
}

/// Opens the library and points its stubs at its functions. Call it before the first call into the
/// library, from any thread and as often as you like; a stub called too early aborts the program.
/// Throws std::runtime_error, which names the package, when the library or a function is missing.
void open_library(LazyLibrary& library);
