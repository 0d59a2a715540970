#pragma once

#include <string>

namespace ordercache {

/// 128 random bits in hexadecimal digits, by which a lease knows its owner. Throws
/// std::system_error where the system has none to give.
std::string random_token();

} // namespace ordercache
