#pragma once

#include "cache_aside/scope.hpp"

#include <cstdint>
#include <string>

namespace ordercache {

inline CustomerId customer(std::int64_t number) {
    return {std::to_string(number)};
}

inline Scope customer_scope(std::int64_t number) {
    return {customer(number)};
}

} // namespace ordercache
