#include "hub/cache_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

namespace continuo::hub {

namespace {

namespace fs = std::filesystem;

Result<void> make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return file_error(path, "cannot be created", error.value());
  return {};
}

// A name beside `path` that is this process's own.
fs::path own_name(const fs::path& path) { return path.string() + fmt::format(".{}.new", getpid()); }

Result<void> rename_to(const fs::path& from, const fs::path& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return {};
  const int code = errno;
  unlink(from.c_str());
  return file_error(to, "cannot be created", code);
}

}  // namespace

Error file_error(const fs::path& path, const std::string& what, int code) {
  return {.kind = ErrorKind::output,
          .what = fmt::format("{}: {}", what, std::generic_category().message(code)),
          .file = path.string()};
}

Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

CacheStore::CacheStore(std::string cache, const HubName& name)
    : cache_(std::move(cache)), model_(cache_ / hub_folder_name(name.repository)) {}

bool CacheStore::has_blob(const HubFile& file) const {
  std::error_code error;
  return fs::is_regular_file(blob(file), error) && fs::file_size(blob(file), error) == file.size && !error;
}

Result<Descriptor> CacheStore::lock(const HubFile& file, const std::atomic<bool>& interrupted) const {
  CONTINUO_TRY_VOID(make_folder(model_ / "blobs"));
  const fs::path folder = cache_ / ".locks" / model_.filename();
  CONTINUO_TRY_VOID(make_folder(folder));
  const fs::path path = folder / (file.checksum + ".lock");
  Descriptor held(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (held.number() < 0) return file_error(path, "cannot be opened", errno);
  while (flock(held.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return file_error(path, "cannot be locked", errno);
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return held;
}

fs::path CacheStore::incomplete(const HubFile& file) const { return blob(file).string() + ".incomplete"; }

Result<void> CacheStore::keep(const HubFile& file) const {
  if (rename(incomplete(file).c_str(), blob(file).c_str()) == 0) return {};
  return file_error(blob(file), "cannot be created", errno);
}

Result<void> CacheStore::link(const HubFile& file, const std::string& commit) const {
  const fs::path link = snapshot(commit) / file.name;
  CONTINUO_TRY_VOID(make_folder(link.parent_path()));
  const fs::path target = fs::path(blob(file)).lexically_relative(link.parent_path());
  std::error_code error;
  if (fs::read_symlink(link, error) == target) return {};
  const fs::path fresh = own_name(link);
  unlink(fresh.c_str());  // of a process that had this number before
  if (symlink(target.c_str(), fresh.c_str()) != 0) return file_error(link, "cannot be linked", errno);
  return rename_to(fresh, link);
}

Result<void> CacheStore::write_ref(const std::string& revision, const std::string& commit) const {
  if (revision == commit) return {};
  const fs::path path = model_ / "refs" / revision;
  CONTINUO_TRY_VOID(make_folder(path.parent_path()));
  const fs::path fresh = own_name(path);
  {
    const Descriptor file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (file.number() < 0) return file_error(path, "cannot be created", errno);
    if (write(file.number(), commit.data(), commit.size()) != static_cast<ssize_t>(commit.size())) {
      const int code = errno;
      unlink(fresh.c_str());
      return file_error(path, "cannot be written", code);
    }
  }
  return rename_to(fresh, path);
}

}  // namespace continuo::hub
