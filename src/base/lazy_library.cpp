#include "base/lazy_library.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>

namespace {

[[noreturn]] void fail(const LazyLibrary& library) {
    throw std::runtime_error{std::string{"cannot load "} + dlerror() + " (Debian package " +
                             library.package + ")"};
}

void fill_slots(const LazyLibrary& library, void* handle) {
    const char* name = library.names;
    for (std::size_t i = 0; i < library.count; ++i) {
        library.slots[i] = dlsym(handle, name);
        if (library.slots[i] == nullptr) {
            fail(library);
        }
        name += std::strlen(name) + 1;
    }
}

} // namespace

#ifndef ORDERCACHE_LAZY_LIBRARIES
// An ordinary build links the libraries, which are open from the start.
LazyLibrary libpq = {.is_open = 1};
LazyLibrary openssl = {.is_open = 1};
#endif

// Each stub jumps here until its library is open.
extern "C" [[noreturn]] void lazy_library_is_not_open() {
    static_cast<void>(
        std::fputs("ordercache: a function was called before open_library()\n", stderr));
    std::abort();
}

void open_library(LazyLibrary& library) {
    static std::mutex mutex;
    const std::lock_guard lock{mutex};
    if (library.is_open != 0) {
        return;
    }
    // RTLD_LAZY saves a miss the look-up of every name in the many libraries that libpq brings.
    void* const handle = dlopen(library.soname, RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) {
        fail(library);
    }
    fill_slots(library, handle);
    library.is_open = 1;
}
