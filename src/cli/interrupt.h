// Ctrl-C and SIGTERM.
#pragma once

#include <atomic>

namespace continuo {

// From now on the first SIGINT or SIGTERM sets the flag that is returned, and interrupts a read or write that
// waits; a second one ends the process as usual.
const std::atomic<bool>& watch_interrupts();

}  // namespace continuo
