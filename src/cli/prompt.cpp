#include "cli/prompt.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "cli/standard_input.h"

namespace continuo {

namespace {

Error cannot_read(const std::string& name, int error) {
  return {.kind = ErrorKind::usage, .what = std::string("cannot read the text: ") + std::strerror(error), .file = name};
}

Result<std::string> read_all(int fd, const std::string& name, const std::atomic<bool>& interrupted) {
  std::string text;
  std::array<char, 1 << 16> block;
  for (;;) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    const ssize_t n = read(fd, block.data(), block.size());
    if (n == 0) return text;
    if (n > 0) {
      text.append(block.data(), static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      return cannot_read(name, errno);
    }
  }
}

Result<std::string> read_stdin(const Options& options, const std::atomic<bool>& interrupted) {
  if (isatty(STDIN_FILENO) && options.verbosity >= 0) {
    spdlog::warn("reading the text from the terminal; end it with Ctrl-D (--help shows other ways)");
  }
  return read_all(STDIN_FILENO, "stdin", interrupted);
}

Result<std::string> read_file(const std::string& path, const std::atomic<bool>& interrupted) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot_read(path, errno);
  auto text = read_all(fd, path, interrupted);
  close(fd);
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) text += ' ' + words[i];
  return text;
}

}  // namespace

bool reads_stdin(const Options& options) {
  if (options.prompt || (!options.words.empty() && !options.stdin_wanted)) return false;
  return options.file.empty() || options.file == "-";
}

Result<std::string> read_text(const Options& options, const std::atomic<bool>& interrupted) {
  const int sources = (options.words.empty() ? 0 : 1) + (options.prompt ? 1 : 0) + (options.file.empty() ? 0 : 1);
  if (sources > 1) {
    return usage_error(options.file.empty() ? "a text and --prompt are both given" : "a text and --file are both given",
                       "leave out one of them");
  }
  const bool from_stdin = reads_stdin(options);
  if (!from_stdin) CONTINUO_TRY_VOID(refuse_text_on_stdin(kGraceMilliseconds));
  if (options.prompt) return *options.prompt;
  if (!from_stdin && options.file.empty()) return joined(options.words);
  CONTINUO_TRY(std::string text, from_stdin ? read_stdin(options, interrupted) : read_file(options.file, interrupted));
  if (!options.exact && text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace continuo
