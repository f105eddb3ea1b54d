#include "hub/download.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <ctime>
#include <optional>
#include <thread>

#include "hub/cache_store.h"

namespace continuo::hub {

namespace {

constexpr int kTries = 6, kMaxRedirects = 10;
constexpr std::chrono::milliseconds kFirstPause{500};
constexpr std::chrono::seconds kLongestPause{300};  // that a server may ask for

Error interrupted_error() { return {.kind = ErrorKind::interrupted, .what = "interrupted"}; }

std::string_view without_path(std::string_view url) {
  const std::size_t host = url.find("://");
  return host == url.npos ? url : url.substr(0, url.find_first_of("/?#", host + 3));
}

// "bytes FIRST-LAST/TOTAL"
std::optional<std::uint64_t> first_byte(std::string_view content_range) {
  constexpr std::string_view kUnit = "bytes ";
  if (!content_range.starts_with(kUnit)) return std::nullopt;
  content_range.remove_prefix(kUnit.size());
  std::uint64_t first = 0;
  const char* const end = content_range.data() + content_range.size();
  const auto read = std::from_chars(content_range.data(), end, first);
  if (read.ec != std::errc() || read.ptr == end || *read.ptr != '-') return std::nullopt;
  return first;
}

// Seconds, or a date (RFC 9110, 10.2.3); nothing for anything else.
std::optional<std::chrono::seconds> asked_pause(const std::string& retry_after) {
  long seconds = 0;
  const char* const end = retry_after.data() + retry_after.size();
  if (const auto read = std::from_chars(retry_after.data(), end, seconds);
      !retry_after.empty() && read.ec == std::errc() && read.ptr == end) {
    return std::chrono::seconds(std::max(seconds, 0l));
  }
  std::tm date{};
  const char* const rest = strptime(retry_after.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (!rest || *rest) return std::nullopt;
  return std::chrono::seconds(std::max<long>(timegm(&date) - std::time(nullptr), 0));
}

bool is_passing(int status) {
  return status == 0 || status == 408 || status == 429 || (status >= 500 && status <= 504);
}

Error refusal(const std::string& url, const HttpAnswer& answer, bool has_token) {
  const std::string shown(url.substr(0, url.find('?')));
  if (answer.status == 0) return model_error(shown, fmt::format("cannot be fetched: {}", answer.failure));
  std::string hint;
  if (answer.status == 401 || answer.status == 403) {
    hint = !has_token ? "it may not exist, or want a token: set HF_TOKEN, or run `hf auth login`"
                      : "this token may not read it: is access granted on the model's page?";
  } else if (answer.status == 404) {
    hint = "is the name right, and its revision?";
  } else if (answer.status == 429) {
    hint = "too many requests; try again later";
  }
  const std::string code = answer.error_code.empty() ? "" : fmt::format(" ({})", answer.error_code);
  return model_error(shown, fmt::format("the server answers {}{}", answer.status, code), hint);
}

}  // namespace

// Where an answer's bytes go.
class Downloader::Sink {
 public:
  virtual ~Sink() = default;
  // How many bytes are there already.
  virtual std::uint64_t size() const = 0;
  // Everything is there; nothing has to be asked for.
  virtual bool is_whole() const { return false; }
  // The answer may be over: what is there can be all of it.
  virtual bool may_end() const { return true; }
  // The answer begins at `first`: 0 or size(). False where it cannot be taken.
  virtual bool begin(std::uint64_t first) = 0;
  virtual bool add(std::string_view piece) = 0;
  // Why begin() or add() said no.
  std::optional<Error> failure;
};

// One URL with its redirects. The token goes to the hub alone, and no redirect leads from https to http.
HttpAnswer Downloader::follow(const std::string& url, Sink& sink) {
  std::string at = url;
  for (int i = 0; i < kMaxRedirects; ++i) {
    const std::uint64_t from = sink.size();
    bool begun = false;
    const auto take = [&](const HttpAnswer& head, std::string_view piece) {
      if (!begun) {
        const auto first = head.status == 206 ? first_byte(head.content_range) : std::uint64_t{0};
        if (!first || (*first != 0 && *first != from)) return false;
        if (!sink.begin(*first)) return false;
        begun = true;
      }
      return sink.add(piece);
    };
    HttpAnswer answer = http_.get({at, is_of_hub(at) ? settings_.token : "", from}, take);
    if (answer.status == 200 && !begun && !sink.begin(0)) return answer;  // nothing came: it is empty
    const bool redirects = answer.status >= 300 && answer.status < 400 && !answer.location.empty();
    if (!redirects) return answer;
    const bool is_safe = answer.location.starts_with("https://") ||
                         (at.starts_with("http://") && answer.location.starts_with("http://"));
    if (!is_safe) return {.status = 0, .failure = "a redirect leads away from https"};
    at = answer.location;
  }
  return {.status = 0, .failure = "too many redirects"};
}

bool Downloader::is_of_hub(const std::string& url) const {
  return without_path(url) == without_path(settings_.endpoint);
}

Result<void> Downloader::pause(std::chrono::milliseconds time) const {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (interrupted_) return interrupted_error();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return {};
}

// Tries that bring bytes do not count.
Result<void> Downloader::fetch(const std::string& url, Sink& sink) {
  auto wait = kFirstPause;
  for (int tries = 1;;) {
    if (sink.is_whole()) return {};
    const std::uint64_t before = sink.size();
    HttpAnswer answer = follow(url, sink);
    if (interrupted_) return interrupted_error();
    if (sink.failure) return std::move(*sink.failure);
    if (answer.status == 200 || answer.status == 206) {
      if (sink.may_end()) return {};
      answer = {.status = 0, .failure = "the answer ended early"};
    }
    if (!is_passing(answer.status)) return refusal(url, answer, !settings_.token.empty());
    if (sink.size() > before) {
      tries = 1;
      wait = kFirstPause;
    } else if (++tries > kTries) {
      return refusal(url, answer, !settings_.token.empty());
    }
    const auto asked = asked_pause(answer.retry_after);
    if (asked && *asked > kLongestPause) return refusal(url, answer, !settings_.token.empty());
    CONTINUO_TRY_VOID(pause(asked ? std::chrono::milliseconds(*asked) : wait));
    wait *= 2;
  }
}

namespace {

constexpr std::size_t kLongestText = std::size_t{64} << 20;

}  // namespace

Result<std::string> Downloader::text(const std::string& url) {
  class TextSink : public Sink {
   public:
    std::uint64_t size() const override { return 0; }  // never gone on with
    bool begin(std::uint64_t) override { return text.clear(), true; }
    bool add(std::string_view piece) override {
      if (text.size() + piece.size() > kLongestText) {
        failure = model_error("", "the hub's answer is longer than 64 MB");
        return false;
      }
      text += piece;
      return true;
    }
    std::string text;
  };
  TextSink sink;
  CONTINUO_TRY_VOID(fetch(url, sink));
  return std::move(sink.text);
}

namespace {

// Opens what is there, and how much of it; too much is none.
Result<Descriptor> open_part(const std::filesystem::path& path, std::uint64_t limit, std::uint64_t& size) {
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  struct stat status {};
  if (file.number() < 0 || fstat(file.number(), &status) != 0) return file_error(path, "cannot be opened", errno);
  size = static_cast<std::uint64_t>(status.st_size);
  if (size > limit) {
    if (ftruncate(file.number(), 0) != 0) return file_error(path, "cannot be emptied", errno);
    size = 0;
  }
  return file;
}

// The checksum of a whole file as the hub counts it.
Result<std::string> checksum_of(int descriptor, const HubFile& file, const std::filesystem::path& path) {
  Hash hash(file.hash);
  if (file.hash == HashKind::sha1) hash.add(fmt::format("blob {}", file.size) + '\0');
  std::vector<char> block(std::size_t{1} << 18);
  for (off_t at = 0;;) {
    const ssize_t got = pread(descriptor, block.data(), block.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(path, "cannot be read", errno);
    if (got == 0) return hash.digest();
    hash.add({block.data(), static_cast<std::size_t>(got)});
    at += got;
  }
}

}  // namespace

Result<void> Downloader::file(const std::string& url, const HubFile& file, const std::filesystem::path& path,
                              const std::function<void(std::uint64_t)>& progress) {
  class FileSink : public Sink {
   public:
    FileSink(int descriptor, std::uint64_t size, const HubFile& file, const std::filesystem::path& path,
             const std::function<void(std::uint64_t)>& progress)
        : descriptor_(descriptor), size_(size), file_(file), path_(path), progress_(progress) {}
    std::uint64_t size() const override { return size_; }
    bool is_whole() const override { return size_ == file_.size; }
    bool may_end() const override { return is_whole(); }
    bool begin(std::uint64_t first) override {
      size_ = first;
      if (ftruncate(descriptor_, static_cast<off_t>(first)) == 0) return true;
      failure = file_error(path_, "cannot be cut", errno);
      return false;
    }
    bool add(std::string_view piece) override {
      if (piece.size() > file_.size - size_) {
        failure = model_error(file_.name, fmt::format("the server sends more than the {} bytes it has", file_.size));
        return false;
      }
      while (!piece.empty()) {
        const ssize_t put = pwrite(descriptor_, piece.data(), piece.size(), static_cast<off_t>(size_));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) {
          failure = file_error(path_, "cannot be written", errno);
          return false;
        }
        piece.remove_prefix(static_cast<std::size_t>(put));
        size_ += static_cast<std::uint64_t>(put);
      }
      progress_(size_);
      return true;
    }

   private:
    int descriptor_;
    std::uint64_t size_;
    const HubFile& file_;
    const std::filesystem::path& path_;
    const std::function<void(std::uint64_t)>& progress_;
  };

  std::uint64_t there = 0;
  CONTINUO_TRY(const Descriptor part, open_part(path, file.size, there));
  const bool resumed = there > 0;
  FileSink sink(part.number(), there, file, path, progress);
  CONTINUO_TRY_VOID(fetch(url, sink));
  CONTINUO_TRY(const std::string checksum, checksum_of(part.number(), file, path));
  if (checksum == file.checksum) {
    if (fsync(part.number()) == 0) return {};
    return file_error(path, "cannot be written", errno);
  }
  unlink(path.c_str());
  if (resumed)
    return this->file(url, file, path, progress);  // what was there may be of something else: once more, whole
  return model_error(file.name,
                     fmt::format("what was fetched has the checksum {}, the hub says {}", checksum, file.checksum),
                     "it was removed; try again");
}

}  // namespace continuo::hub
