// From a URL of the hub to bytes: redirects, the token, retries, and going on where a connection was cut.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "hub/http.h"
#include "hub/listing.h"
#include "hub/settings.h"

namespace continuo::hub {

class Downloader {
 public:
  Downloader(Http& http, HubSettings settings, const std::atomic<bool>& interrupted)
      : http_(http), settings_(std::move(settings)), interrupted_(interrupted) {}

  const std::string& endpoint() const { return settings_.endpoint; }

  // A small text, such as the list of files.
  Result<std::string> text(const std::string& url);

  // Writes the contents of `file` to `path`, goes on behind what is there, and checks size and checksum; what has wrong
  // ones is removed. `progress` hears how many bytes of the file are there. A file without an error is whole.
  Result<void> file(const std::string& url, const HubFile& file, const std::filesystem::path& path,
                    const std::function<void(std::uint64_t)>& progress);

 private:
  class Sink;
  Result<void> fetch(const std::string& url, Sink& sink);
  HttpAnswer follow(const std::string& url, Sink& sink);
  bool is_of_hub(const std::string& url) const;
  Result<void> pause(std::chrono::milliseconds time) const;

  Http& http_;
  HubSettings settings_;
  const std::atomic<bool>& interrupted_;
};

}  // namespace continuo::hub
