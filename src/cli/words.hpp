#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ordercache {

using Words = std::vector<std::string>;

/// `-v` and `--json` do; `-`, `-5` and `--` do not.
bool looks_like_option(std::string_view word);

/// The words of a command line as CLI11 wants them. The command comes first: its options may stand
/// before it too, and CLI11 knows them only after it. `help count` becomes `count --help`. Throws
/// Error (usage) for `--customer= 5`, where CLI11 would take the next word for the value.
Words arranged(Words words, const Words& commands);

} // namespace ordercache
