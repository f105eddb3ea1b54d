#include "io/gguf_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "io/gguf.h"

namespace continuo {

namespace {

constexpr std::size_t kAlignment = 32;
constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void append_text(std::string& out, std::string_view text) {
  append(out, std::uint64_t{text.size()});
  out += text;
}

void append_type(std::string& out, GgufType type) { append(out, static_cast<std::uint32_t>(type)); }

std::size_t row_count(const GgufOutput& tensor) {
  std::size_t rows = 1;
  for (std::size_t i = 0; i + 1 < tensor.shape.size(); ++i) rows *= tensor.shape[i];
  return rows;
}

std::size_t padded(std::size_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

Error cannot_write(const std::string& path, int code) {
  return {
      .kind = ErrorKind::output, .what = "cannot be written: " + std::generic_category().message(code), .file = path};
}

// Bytes on their way to a file.
class Stream {
 public:
  Stream(int file, const std::string& path) : file_(file), path_(path) {}
  Result<void> put(const void* bytes, std::size_t n) {
    buffer_.append(static_cast<const char*>(bytes), n);
    return buffer_.size() < kBufferBytes ? Result<void>{} : flush();
  }
  Result<void> flush() {
    for (std::size_t at = 0; at < buffer_.size();) {
      const ssize_t n = ::write(file_, buffer_.data() + at, buffer_.size() - at);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return cannot_write(path_, errno);
      at += static_cast<std::size_t>(n);
    }
    buffer_.clear();
    return {};
  }

 private:
  int file_;
  const std::string& path_;
  std::string buffer_;
};

Result<void> write_rows(const GgufOutput& tensor, const std::string& path, Stream& to) {
  const FormatInfo& info = format_info(tensor.format);
  const std::size_t n = tensor.shape.back(), rows = row_count(tensor);
  const std::size_t rows_of_part = tensor.importance ? rows / (tensor.importance->size() / n) : rows;
  std::vector<float> values(n), back(n);
  std::vector<std::byte> stored(stored_bytes(tensor.format, n));
  const auto all_finite = [](const std::vector<float>& floats) {
    for (const float v : floats) {
      if (!std::isfinite(v)) return false;
    }
    return true;
  };
  for (std::size_t r = 0; r < rows; ++r) {
    tensor.row(r, values.data());
    if (!all_finite(values)) {
      return model_error(path, fmt::format("tensor '{}' would hold a value that is not a finite number", tensor.name));
    }
    if (tensor.importance && info.fit) {
      info.fit(values.data(), tensor.importance->data() + r / rows_of_part * n, stored.data(), n);
    } else {
      info.from_float(values.data(), stored.data(), n);
    }
    info.to_float(stored.data(), back.data(), n);
    if (!all_finite(back)) {
      return model_error(path, fmt::format("tensor '{}' has a value too large for {}", tensor.name, info.name));
    }
    CONTINUO_TRY_VOID(to.put(stored.data(), stored.size()));
  }
  const std::string padding(padded(rows * stored.size()) - rows * stored.size(), '\0');
  return to.put(padding.data(), padding.size());
}

}  // namespace

void GgufWriter::add_stored(std::string_view key, std::span<const std::byte> stored) {
  append_text(entries_, key);
  entries_.append(reinterpret_cast<const char*>(stored.data()), stored.size());
  ++n_entries_;
}

namespace {

template <class T>
std::string encoded(GgufType type, T value) {
  std::string out;
  append_type(out, type);
  append(out, value);
  return out;
}

std::string array_head(GgufType type, std::size_t n) {
  std::string out;
  append_type(out, GgufType::array);
  append_type(out, type);
  append(out, std::uint64_t{n});
  return out;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

void GgufWriter::add(std::string_view key, std::uint32_t value) {
  add_stored(key, bytes_of(encoded(GgufType::u32, value)));
}
void GgufWriter::add(std::string_view key, float value) { add_stored(key, bytes_of(encoded(GgufType::f32, value))); }
void GgufWriter::add(std::string_view key, bool value) {
  add_stored(key, bytes_of(encoded(GgufType::boolean, static_cast<std::uint8_t>(value))));
}
void GgufWriter::add(std::string_view key, std::string_view value) {
  std::string out;
  append_type(out, GgufType::string);
  append_text(out, value);
  add_stored(key, bytes_of(out));
}
void GgufWriter::add(std::string_view key, std::span<const std::string> values) {
  std::string out = array_head(GgufType::string, values.size());
  for (const std::string& value : values) append_text(out, value);
  add_stored(key, bytes_of(out));
}
void GgufWriter::add(std::string_view key, std::span<const float> values) {
  std::string out = array_head(GgufType::f32, values.size());
  for (const float value : values) append(out, value);
  add_stored(key, bytes_of(out));
}
void GgufWriter::add(std::string_view key, std::span<const std::int32_t> values) {
  std::string out = array_head(GgufType::i32, values.size());
  for (const std::int32_t value : values) append(out, value);
  add_stored(key, bytes_of(out));
}
void GgufWriter::add(std::string_view key, const std::vector<bool>& values) {
  std::string out = array_head(GgufType::boolean, values.size());
  for (const bool value : values) append(out, static_cast<std::uint8_t>(value));
  add_stored(key, bytes_of(out));
}

Result<void> GgufWriter::write(int file, const std::string& path) const {
  std::string head = "GGUF";
  append(head, std::uint32_t{3});
  append(head, std::uint64_t{tensors_.size()});
  append(head, n_entries_);
  head += entries_;
  std::uint64_t offset = 0;
  for (const GgufOutput& tensor : tensors_) {
    append_text(head, tensor.name);
    append(head, static_cast<std::uint32_t>(tensor.shape.size()));
    for (std::size_t i = tensor.shape.size(); i > 0; --i) append(head, std::uint64_t{tensor.shape[i - 1]});
    append(head, format_info(tensor.format).gguf_type);
    append(head, offset);
    offset += padded(row_count(tensor) * stored_bytes(tensor.format, tensor.shape.back()));
  }
  head.resize(padded(head.size()));
  Stream stream(file, path);
  CONTINUO_TRY_VOID(stream.put(head.data(), head.size()));
  for (const GgufOutput& tensor : tensors_) CONTINUO_TRY_VOID(write_rows(tensor, path, stream));
  return stream.flush();
}

Result<NewFile> NewFile::beside(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return Error{.kind = ErrorKind::output, .what = "is there already and no regular file", .file = path};
  }
  NewFile file;
  file.path_ = path;
#ifdef O_TMPFILE
  // A file without a name leaves nothing behind, however the process ends.
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  file.descriptor_ = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
  if (file.descriptor_ >= 0) {
    file.temporary_ = fmt::format("/proc/self/fd/{}", file.descriptor_);
    file.named_ = access(file.temporary_.c_str(), R_OK) != 0;
    if (!file.named_) return file;
    close(std::exchange(file.descriptor_, -1));  // no /proc, by which it could get a name
  }
#endif
  file.named_ = true;
  file.temporary_ = path + ".XXXXXX";
  file.descriptor_ = mkstemp(file.temporary_.data());
  if (file.descriptor_ < 0) return cannot_write(path, errno);
  const mode_t mask = umask(0);
  umask(mask);
  if (fchmod(file.descriptor_, 0666 & ~mask) != 0) return cannot_write(path, errno);
  return file;
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)),
      named_(other.named_) {}

NewFile::~NewFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (named_ && !temporary_.empty()) unlink(temporary_.c_str());
}

// Under a name of its own beside `path_`, where there is a file already: a rename replaces that one at once.
Result<void> NewFile::give_name() {
  const auto link_to = [&](const std::string& name) {
    return linkat(AT_FDCWD, temporary_.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
  };
  if (link_to(path_)) return {};
  for (std::uint32_t i = 0; errno == EEXIST; ++i) {
    const std::string name = fmt::format("{}.{:x}-{:x}", path_, getpid(), i);
    if (!link_to(name)) continue;
    if (rename(name.c_str(), path_.c_str()) == 0) return {};
    const int code = errno;
    unlink(name.c_str());
    return cannot_write(path_, code);
  }
  return cannot_write(path_, errno);
}

Result<void> NewFile::keep() {
  if (fsync(descriptor_) != 0) return cannot_write(path_, errno);
  if (!named_) return give_name();
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return cannot_write(path_, errno);
  temporary_.clear();
  return {};
}

}  // namespace continuo
