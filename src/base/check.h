// CONTINUO_CHECK: an invariant of our own code. It holds in release builds too: a violation is our bug, is
// reported as one on stderr, and ends the process with exit code 70. Never used on data from outside.
#pragma once

namespace continuo {

[[noreturn]] void check_failed(const char* condition, const char* message, const char* file, int line);

}  // namespace continuo

#define CONTINUO_CHECK(condition, message)             \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::continuo::check_failed(#condition, message, __FILE__, __LINE__))
