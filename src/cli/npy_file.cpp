#include "cli/npy_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace continuo {

namespace {

static_assert(std::endian::native == std::endian::little);

// The values begin behind the header, whose size is the same for any number of rows.
constexpr std::size_t kHeader = 128;

std::string header(std::size_t rows, std::size_t width) {
  constexpr std::size_t kBegin = 10;  // magic, version, length of what follows
  std::string text = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, width);
  text.resize(kHeader - kBegin - 1, ' ');
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(kHeader - kBegin) + '\0' + text + '\n';
}

Result<void> write_at(int file, std::string_view bytes, std::size_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n >= 0) {
      offset += static_cast<std::size_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      return Error{
          .kind = ErrorKind::output, .what = std::string("cannot write: ") + std::strerror(errno), .file = path};
    }
  }
  return {};
}

}  // namespace

Result<NpyFile> NpyFile::create(const std::string& path, std::size_t width) {
  CONTINUO_TRY(NewFile file, NewFile::beside(path));
  return NpyFile(std::move(file), path, width);
}

Result<void> NpyFile::write(std::span<const float> rows) {
  const std::string_view bytes(reinterpret_cast<const char*>(rows.data()), rows.size_bytes());
  CONTINUO_TRY_VOID(write_at(file_.descriptor(), bytes, kHeader + rows_ * width_ * sizeof(float), path_));
  rows_ += rows.size() / width_;
  return {};
}

Result<void> NpyFile::finish() {
  CONTINUO_TRY_VOID(write_at(file_.descriptor(), header(rows_, width_), 0, path_));
  return file_.keep();
}

}  // namespace continuo
