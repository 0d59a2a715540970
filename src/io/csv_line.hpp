#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

/// Splits a line of CSV into its fields, as RFC 4180 has them. A field in quotes ends on its line:
/// no value of an order holds a line break. Throws std::invalid_argument, which says what is wrong
/// with the line.
void split_csv_line(std::string_view line, std::vector<std::string>& fields);

} // namespace ordercache
