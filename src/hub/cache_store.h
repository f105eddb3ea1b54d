// Writes into the cache that the Hugging Face libraries share (loading/hub_cache.h says where it is):
//   blobs/CHECKSUM             contents, once; CHECKSUM.incomplete while they are fetched
//   snapshots/COMMIT/NAME      a relative link to a blob
//   refs/REVISION              the commit that a branch or tag was
//   .locks/models--.../CHECKSUM.lock   held (flock) by whoever fetches a blob
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "hub/listing.h"
#include "loading/hub_cache.h"

namespace continuo::hub {

// A file's descriptor, which is closed in the end.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  int number() const { return number_; }

 private:
  int number_;
};

class CacheStore {
 public:
  CacheStore(std::string cache, const HubName& name);

  const std::filesystem::path& model_folder() const { return model_; }
  std::filesystem::path snapshot(const std::string& commit) const { return model_ / "snapshots" / commit; }
  bool has_blob(const HubFile& file) const;

  // Waits while another process fetches the same blob. An error of kind `interrupted` where it was told to end.
  Result<Descriptor> lock(const HubFile& file, const std::atomic<bool>& interrupted) const;
  std::filesystem::path incomplete(const HubFile& file) const;
  // Makes the whole, checked contents at incomplete() the blob.
  Result<void> keep(const HubFile& file) const;
  Result<void> link(const HubFile& file, const std::string& commit) const;
  // Says which commit the revision is, if it is not the commit itself.
  Result<void> write_ref(const std::string& revision, const std::string& commit) const;

 private:
  std::filesystem::path blob(const HubFile& file) const { return model_ / "blobs" / file.checksum; }

  std::filesystem::path cache_, model_;
};

// "cannot be created: Permission denied", of kind `output`.
Error file_error(const std::filesystem::path& path, const std::string& what, int code);

}  // namespace continuo::hub
