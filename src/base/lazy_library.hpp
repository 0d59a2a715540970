// Shared libraries that are opened on first use: a hit by plain TCP needs neither libpq nor
// OpenSSL, and loading them takes several times as long as the hit itself. The calls in the source
// are ordinary ones: lazy_libraries.cmake links a forwarding stub for each function in place of the
// library.

#pragma once

#include <cstddef>

/// A library and its stubs, as forwarding_stubs.inc lays them out.
struct LazyLibrary {
    const char* soname = nullptr;
    const char* package = nullptr; ///< the Debian package that has it
    const char* names = nullptr;   ///< of `count` functions, each ended by a NUL
    void** slots = nullptr;        ///< where their stubs jump, in the order of the names
    std::size_t count = 0;
    std::size_t is_open = 0;
};

extern "C" {
extern LazyLibrary libpq;
extern LazyLibrary openssl; ///< libssl and libcrypto
}

/// Opens the library and points its stubs at its functions, unless it is open already. Call it,
/// from any thread, before the first call into the library: a stub that is called too early aborts
/// the program. Throws std::runtime_error, which names the package, if the library or a function is
/// missing.
void open_library(LazyLibrary& library);
