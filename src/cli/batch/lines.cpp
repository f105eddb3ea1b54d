#include "cli/batch/lines.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "cli/output.h"

namespace continuo {

namespace {

constexpr std::size_t kBlock = std::size_t{64} << 10;
constexpr int kLookMilliseconds = 100;  // how often `stop` is looked at while nothing comes

}  // namespace

LineReader::LineReader(int fd, std::string name, std::size_t longest, const std::atomic<bool>& stop, LineKind kind)
    : fd_(fd), name_(std::move(name)), longest_(longest), stop_(stop), kind_(kind), block_(kBlock) {}

LineReader::~LineReader() {
  if (fd_ != STDIN_FILENO) close(fd_);
}

// False at the end and when stopped.
Result<bool> LineReader::fill() {
  for (;;) {
    if (stop_) return false;
    pollfd source{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&source, 1, kLookMilliseconds) <= 0) continue;
    const ssize_t n = read(fd_, block_.data(), block_.size());
    if (n >= 0) {
      at_ = 0;
      end_ = static_cast<std::size_t>(n);
      return n > 0;
    }
    if (errno == EINTR || errno == EAGAIN) continue;
    return Error{.kind = ErrorKind::usage,
                 .what = std::string("cannot read the requests: ") + std::strerror(errno),
                 .file = name_};
  }
}

// The '\n' that ends the line, in what is left of the block; null if it is not there.
const char* LineReader::find_end() {
  const char* const from = block_.data() + at_;
  const char* const end = block_.data() + end_;
  if (kind_ == LineKind::line) return static_cast<const char*>(std::memchr(from, '\n', end_ - at_));
  const char* const found = std::find_if(from, end, [&](char c) { return scanner_.ends_row(c); });
  return found == end ? nullptr : found;
}

// Adds what the block has of the line to it.
void LineReader::take_block() {
  begun_ = true;
  const char* const from = block_.data() + at_;
  const char* const newline = find_end();
  const std::size_t n = newline ? static_cast<std::size_t>(newline - from) : end_ - at_;
  at_ += n + (newline ? 1 : 0);
  if (line_.text.size() + n > longest_) {
    line_.too_long = true;
    line_.text = {};
  }
  if (!line_.too_long) line_.text.append(from, n);
  whole_ = newline != nullptr;
}

bool LineReader::ready() {
  while (!whole_ && !at_end_) {
    if (at_ == end_) {
      pollfd source{.fd = fd_, .events = POLLIN, .revents = 0};
      if (poll(&source, 1, 0) <= 0) return false;
      const auto more = fill();
      if (!more || stop_) return true;
      at_end_ = !*more;
    }
    if (at_ < end_) take_block();
  }
  return true;
}

Result<std::optional<Line>> LineReader::next() {
  while (!whole_ && !at_end_) {
    if (at_ == end_) {
      CONTINUO_TRY(const bool more, fill());
      at_end_ = !more;
    }
    if (at_ < end_) take_block();
  }
  if (!std::exchange(whole_, false) && (!begun_ || stop_)) return std::optional<Line>();
  begun_ = false;
  line_.number = ++lines_;
  return std::optional(std::exchange(line_, Line()));
}

Result<int> open_records(const std::string& file, std::string_view answers) {
  const bool is_stdin = file.empty() || file == "-";
  const int fd = is_stdin ? STDIN_FILENO : open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return Error{.kind = ErrorKind::usage,
                 .what = std::string("cannot read the records: ") + std::strerror(errno),
                 .file = file};
  }
  if (!is_stdout(fd)) return fd;
  if (!is_stdin) close(fd);
  return usage_error(fmt::format("the records and their {} are the same file: {}", answers, is_stdin ? "stdin" : file));
}

std::optional<std::uint64_t> count_lines(int fd, LineKind kind) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  std::vector<char> block(kBlock);
  CsvScanner scanner;
  const auto ends = [&](char c) { return kind == LineKind::line ? c == '\n' : scanner.ends_row(c); };
  std::uint64_t lines = 0;
  bool begun = false;  // a last line that does not end
  off_t at = lseek(fd, 0, SEEK_CUR);
  for (ssize_t n; (n = pread(fd, block.data(), block.size(), at)) > 0; at += n) {
    for (const char c : std::span(block).first(static_cast<std::size_t>(n))) {
      begun = !ends(c);
      lines += begun ? 0 : 1;
    }
  }
  return lines + (begun ? 1 : 0);
}

}  // namespace continuo
