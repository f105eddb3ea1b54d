#include "hub/pull.h"

#include <fmt/format.h>

#include "hub/cache_store.h"
#include "hub/download.h"

namespace continuo::hub {

namespace {

// A path's characters that a URL has to spell out; `keep`: those that stand beside letters and digits.
std::string encoded(std::string_view text, std::string_view keep) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       std::string_view("-._~").find(c) != std::string_view::npos || keep.find(c) != keep.npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Result<Listing> list_files(Downloader& downloader, const HubName& name) {
  const std::string url = fmt::format("{}/api/models/{}/revision/{}?blobs=true", downloader.endpoint(), name.repository,
                                      encoded(name.revision, ""));
  CONTINUO_TRY(const std::string json, downloader.text(url));
  return parse_listing(json, url.substr(0, url.find('?')));
}

// One file: its blob, unless that is there, and its link.
Result<void> fetch_file(Downloader& downloader, const CacheStore& store, const Listing& listing, const HubFile& file,
                        const PullRequest& request, const std::atomic<bool>& interrupted,
                        const std::function<void(std::uint64_t)>& progress) {
  if (!store.has_blob(file)) {
    CONTINUO_TRY(const Descriptor lock, store.lock(file, interrupted));
    if (!store.has_blob(file)) {  // else another process has fetched it meanwhile
      const std::string url = fmt::format("{}/{}/resolve/{}/{}", downloader.endpoint(), request.name.repository,
                                          listing.commit, encoded(file.name, "/"));
      CONTINUO_TRY_VOID(downloader.file(url, file, store.incomplete(file), progress));
      CONTINUO_TRY_VOID(store.keep(file));
    }
  }
  return store.link(file, listing.commit);
}

}  // namespace

Result<std::string> pull(const PullRequest& request, const std::atomic<bool>& interrupted) {
  const std::string cache = hub_cache();
  if (cache.empty()) return usage_error("where the Hugging Face cache is, neither HF_HOME nor HOME says");
  CONTINUO_TRY(HubSettings settings, hub_settings());
  CONTINUO_TRY(const std::unique_ptr<Http> http, Http::create(interrupted));
  Downloader downloader(*http, std::move(settings), interrupted);
  CONTINUO_TRY(const Listing listing, list_files(downloader, request.name));
  CONTINUO_TRY(const std::vector<HubFile> files, request.include.empty()
                                                     ? wanted_files(listing, request.name.repository)
                                                     : matching_files(listing, request.include));
  std::uint64_t total = 0, done = 0;
  for (const HubFile& file : files) total += file.size;
  const CacheStore store(cache, request.name);
  for (const HubFile& file : files) {
    const auto progress = [&](std::uint64_t of_file) { request.progress(done + of_file, total); };
    CONTINUO_TRY_VOID(fetch_file(downloader, store, listing, file, request, interrupted, progress));
    done += file.size;
    request.progress(done, total);
  }
  CONTINUO_TRY_VOID(store.write_ref(request.name.revision, listing.commit));
  return store.snapshot(listing.commit).string();
}

}  // namespace continuo::hub
