#pragma once

#include <string>

namespace ordercache {

/// 128 random bits in hexadecimal digits, by which a lease knows its owner. Throws
/// std::system_error if the system provides none.
std::string random_token();

} // namespace ordercache
