#pragma once

#include <string>

namespace ordercache {

/// The pages of `--help`, 80 columns wide, each ending with a newline.
std::string program_help();
std::string count_help();
std::string add_help();
std::string invalidate_help();
std::string ttl_help();

/// For a bare `ordercache`: what it takes, and where to read on.
std::string short_help();

} // namespace ordercache
