#pragma once

namespace continuo {

// Whether the processor has AMX's tiles with products of bytes and the system lets this process use them.
// Asks for them: on Linux a process may not touch tiles before it has said so.
bool tiles_usable();

}  // namespace continuo
