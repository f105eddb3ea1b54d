#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace continuo {

std::optional<std::size_t> terminal_columns(int descriptor) {
  winsize size{};
  if (!isatty(descriptor) || ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

std::size_t text_width(int descriptor) {
  const std::optional<std::size_t> columns = terminal_columns(descriptor);
  return columns ? std::clamp<std::size_t>(*columns, 40, 120) : 100;
}

}  // namespace continuo
