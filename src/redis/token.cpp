#include "redis/token.hpp"

#include <fmt/format.h>

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace ordercache {

std::string random_token() {
    std::array<unsigned char, 16> bits{};
    std::size_t filled = 0;
    while (filled < bits.size()) {
        const ssize_t got = getrandom(bits.data() + filled, bits.size() - filled, 0);
        if (got < 0 && errno != EINTR) {
            throw std::system_error(errno, std::generic_category(), "getrandom");
        }
        filled += got < 0 ? 0 : static_cast<std::size_t>(got);
    }
    std::string token;
    for (const unsigned char byte : bits) {
        token += fmt::format("{:02x}", byte);
    }
    return token;
}

} // namespace ordercache
