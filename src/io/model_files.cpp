#include "io/model_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "io/gguf.h"

namespace continuo {

namespace {

constexpr const char* kWhatAModelIs =
    "a model is a folder with config.json, tokenizer.json and *.safetensors, or a .gguf file";

std::string system_message(int code) { return std::generic_category().message(code); }

bool is_plain_name(std::string_view file) {
  return !file.empty() && file != "." && file != ".." && file.find_first_of(std::string_view("/\\\0", 3)) == file.npos;
}

Error not_plain(const std::string& model, std::string_view file) {
  return model_error(model, fmt::format("'{}' is not a plain file name", file),
                     "files of a model stand in its own folder");
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

Error missing(const std::string& path) {
  struct stat link {};
  if (lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode)) {
    return model_error(path, "a symbolic link to a file that does not exist", "was the download finished?");
  }
  return model_error(path, "no such file", kWhatAModelIs);
}

Error cannot_open(const std::string& path, int code) {
  if (code == ENOENT) return missing(path);
  return model_error(path, "cannot be opened: " + system_message(code), code == EACCES ? "is it yours to read?" : "");
}

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

}  // namespace

// A file that another process shortens while it is mapped ends this process (SIGBUS), as with every memory
// map.
Result<Blob> map_file(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return cannot_open(path, errno);
  // Looked at before it is opened: opening a pipe waits, and opening a device may do anything.
  if (!S_ISREG(info.st_mode)) return model_error(path, fmt::format("{}, not a file", kind_of(info.st_mode)));
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.fd < 0) return cannot_open(path, errno);
  if (fstat(file.fd, &info) != 0) return cannot_open(path, errno);
  if (!S_ISREG(info.st_mode)) return model_error(path, fmt::format("{}, not a file", kind_of(info.st_mode)));
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) return Blob({}, nullptr, path);  // mmap refuses empty files
  void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (address == MAP_FAILED) {
    return model_error(path, fmt::format("its {} bytes cannot be mapped: {}", size, system_message(errno)));
  }
  std::shared_ptr<const void> owner(address, [size](const void* p) { munmap(const_cast<void*>(p), size); });
  return Blob::mapped({static_cast<const std::byte*>(address), size}, std::move(owner), path);
}

Blob Blob::mapped(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string name) {
  Blob blob(bytes, std::move(owner), std::move(name));
  blob.mapped_ = true;
  return blob;
}

void Blob::release_pages(std::span<const std::byte> some) const {
  const auto address = [](const std::byte* p) { return reinterpret_cast<std::uintptr_t>(p); };
  const std::uintptr_t begin = address(some.data()), end = begin + some.size();
  if (!mapped_ || begin < address(bytes_.data()) || end > address(bytes_.data()) + bytes_.size()) return;
  // Only pages that nothing else shares.
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

Result<ModelFiles> ModelFiles::folder(const std::string& path) {
  if (path.empty()) return usage_error("the model's path is empty", kWhatAModelIs);
  if (path.find('\0') != path.npos) return usage_error("the model's path holds a zero byte");
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return model_error(path, "no such folder", kWhatAModelIs);
    return model_error(path, "cannot be opened: " + system_message(errno));
  }
  if (!S_ISDIR(info.st_mode)) return model_error(path, "not a folder", kWhatAModelIs);
  if (access(path.c_str(), R_OK | X_OK) != 0) {
    return model_error(path, "the folder cannot be read: " + system_message(errno));
  }
  ModelFiles files;
  files.folder_ = path;
  while (files.folder_.size() > 1 && files.folder_.back() == '/') files.folder_.pop_back();
  files.name_ = files.folder_;
  return files;
}

Result<ModelFiles> ModelFiles::gguf(const std::string& path) {
  if (path.find('\0') != path.npos) return usage_error("the model's path holds a zero byte");
  CONTINUO_TRY(std::vector<GgufFile> parts, open_gguf(path));
  ModelFiles files;
  files.name_ = path;
  files.gguf_ = std::make_shared<const std::vector<GgufFile>>(std::move(parts));
  return files;
}

ModelFiles ModelFiles::embedded(std::string name, std::vector<EmbeddedFile> files) {
  ModelFiles model;
  model.name_ = std::move(name);
  model.embedded_ = std::move(files);
  return model;
}

bool ModelFiles::has(std::string_view file) const {
  if (!is_plain_name(file)) return false;
  if (folder_.empty()) {
    return std::any_of(embedded_.begin(), embedded_.end(), [&](const EmbeddedFile& e) { return e.name == file; });
  }
  struct stat info {};
  return lstat(path_of(file).c_str(), &info) == 0;
}

std::vector<std::string> ModelFiles::list() const {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : embedded_) names.emplace_back(file.name);
  if (!folder_.empty()) {
    std::error_code error;  // a folder that became unreadable lists nothing; `open` will say why
    for (std::filesystem::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
      names.push_back(it->path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<Blob> ModelFiles::open(std::string_view file) const {
  if (!is_plain_name(file)) return not_plain(name_, file);
  if (!folder_.empty()) return map_file(path_of(file));
  for (const EmbeddedFile& embedded : embedded_) {
    if (embedded.name == file) return Blob(embedded.bytes, nullptr, path_of(file));
  }
  return model_error(path_of(file), "no such file");
}

std::string ModelFiles::path_of(std::string_view file) const { return fmt::format("{}/{}", name_, file); }

}  // namespace continuo
