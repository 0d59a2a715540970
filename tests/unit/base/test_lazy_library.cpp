#include "base/lazy_library.hpp"

#include <doctest/doctest.h>
#include <pqxx/util>

#include <array>
#include <stdexcept>
#include <string>

namespace {

using Slots = std::array<void*, 2>;

LazyLibrary library_with(const char* soname, const char* names, Slots& slots) {
    return {soname, "libexample1", names, slots.data(), slots.size(), 0};
}

std::string error_of_opening(LazyLibrary& library) {
    try {
        open_library(library);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return {};
}

} // namespace

TEST_CASE("a missing library is an error that names it and its Debian package") {
    Slots slots{};
    auto library = library_with("libexample.so.1", "sin\0cos", slots);
    const auto error = error_of_opening(library);
    CHECK(error.find("libexample.so.1") != std::string::npos);
    CHECK(error.find("Debian package libexample1") != std::string::npos);
}

TEST_CASE("a function that the library lacks is an error that names it, at every attempt") {
    Slots slots{};
    auto library = library_with("libm.so.6", "sin\0no_such_function", slots);
    CHECK(error_of_opening(library).find("no_such_function") != std::string::npos);
    CHECK(error_of_opening(library).find("no_such_function") != std::string::npos);
}

TEST_CASE("each function's address goes to the slot of its name") {
    Slots slots{};
    auto library = library_with("libm.so.6", "sin\0cos", slots);
    open_library(library);
    CHECK(reinterpret_cast<double (*)(double)>(slots[0])(0.0) == 0.0);
    CHECK(reinterpret_cast<double (*)(double)>(slots[1])(0.0) == 1.0);
}

TEST_CASE("a library that is open is not opened again") {
    Slots slots{};
    auto library = library_with("libm.so.6", "sin\0cos", slots);
    open_library(library);
    slots.fill(nullptr);
    open_library(library);
    CHECK(slots == Slots{});
}

TEST_CASE("libpqxx calls libpq through the stubs once libpq is open") {
    open_library(libpq);
    CHECK(pqxx::describe_thread_safety().safe_libpq);
}
