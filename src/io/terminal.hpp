#pragma once

namespace ordercache {

/// Whether stderr is a terminal that knows more than to print one line after another: TERM=dumb
/// does not.
bool stderr_takes_escapes();

/// Whether it may be given colours too: NO_COLOR asks for none.
bool stderr_takes_colours();

} // namespace ordercache
