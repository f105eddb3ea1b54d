#include "cli/batch/lines.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace continuo {

namespace {

constexpr std::size_t kBlock = std::size_t{64} << 10;
constexpr int kLookMilliseconds = 100;  // how often `stop` is looked at while nothing comes

}  // namespace

LineReader::LineReader(int fd, std::string name, std::size_t longest, const std::atomic<bool>& stop)
    : fd_(fd), name_(std::move(name)), longest_(longest), stop_(stop), block_(kBlock) {}

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
    const auto* const newline = static_cast<const char*>(std::memchr(from, '\n', end_ - at_));
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

std::optional<std::uint64_t> count_lines(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  std::vector<char> block(kBlock);
  std::uint64_t lines = 0;
  char last = '\n';
  off_t at = lseek(fd, 0, SEEK_CUR);
  for (ssize_t n; (n = pread(fd, block.data(), block.size(), at)) > 0; at += n) {
    lines += static_cast<std::uint64_t>(std::count(block.begin(), block.begin() + n, '\n'));
    last = block[static_cast<std::size_t>(n) - 1];
  }
  return lines + (last == '\n' ? 0 : 1);
}

}  // namespace continuo
