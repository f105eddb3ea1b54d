// Messages to the person, on stderr only; stdout belongs to the answer.
#pragma once

namespace continuo {

// verbosity: -1 errors only, 0 warnings (default), 1 information, 2 debugging. Colour only where stderr is a
// terminal and NO_COLOR is unset.
void set_up_logging(int verbosity);

}  // namespace continuo
