#include "cli/batch/lines.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

namespace continuo {

namespace {

constexpr std::size_t kBlock = std::size_t{64} << 10;
constexpr int kLookMilliseconds = 100;  // how often `stop` is looked at while nothing comes

}  // namespace

LineReader::LineReader(int fd, std::string name, std::size_t longest, const std::atomic<bool>& stop,
                       LineKind kind)
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

bool LineReader::ready() {
  if (at_ < end_) return true;
  pollfd source{.fd = fd_, .events = POLLIN, .revents = 0};
  return poll(&source, 1, 0) > 0;
}

// The '\n' that ends the line, in what is left of the block; null if it is not there.
const char* LineReader::find_end() {
  const char* const from = block_.data() + at_;
  const char* const end = block_.data() + end_;
  if (kind_ == LineKind::line) return static_cast<const char*>(std::memchr(from, '\n', end_ - at_));
  const char* const found = std::find_if(from, end, [&](char c) { return scanner_.ends_row(c); });
  return found == end ? nullptr : found;
}

Result<std::optional<Line>> LineReader::next() {
  Line line{.number = lines_ + 1};
  bool begun = false;
  for (;;) {
    if (at_ == end_) {
      CONTINUO_TRY(const bool more, fill());
      if (!more) {
        if (!begun || stop_) return std::optional<Line>();
        ++lines_;
        return std::optional<Line>(std::move(line));
      }
    }
    begun = true;
    const char* const from = block_.data() + at_;
    const char* const newline = find_end();
    const std::size_t n = newline ? static_cast<std::size_t>(newline - from) : end_ - at_;
    at_ += n + (newline ? 1 : 0);
    if (line.text.size() + n > longest_) {
      line.too_long = true;
      line.text = {};
    }
    if (!line.too_long) line.text.append(from, n);
    if (!newline) continue;
    ++lines_;
    return std::optional<Line>(std::move(line));
  }
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
