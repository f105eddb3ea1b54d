// HTTP by libcurl, which is loaded when it is first needed: the program itself starts without it, and runs where it is
// missing.
#include <curl/curl.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cctype>

#include "hub/http.h"

namespace continuo::hub {

namespace {

// libcurl's functions that are used here.
struct Curl {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_easy_init) init = nullptr;
  decltype(&curl_easy_reset) reset = nullptr;
  decltype(&curl_easy_setopt) setopt = nullptr;
  decltype(&curl_easy_perform) perform = nullptr;
  decltype(&curl_easy_getinfo) getinfo = nullptr;
  decltype(&curl_easy_cleanup) cleanup = nullptr;
  decltype(&curl_easy_strerror) strerror = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
};

template <class F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

Result<Curl> load_curl() {
  void* library = nullptr;
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib"}) {
    if ((library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) != nullptr) break;
  }
  Curl curl;
  const bool whole =
      library && find(library, "curl_global_init", curl.global_init) && find(library, "curl_easy_init", curl.init) &&
      find(library, "curl_easy_reset", curl.reset) && find(library, "curl_easy_setopt", curl.setopt) &&
      find(library, "curl_easy_perform", curl.perform) && find(library, "curl_easy_getinfo", curl.getinfo) &&
      find(library, "curl_easy_cleanup", curl.cleanup) && find(library, "curl_easy_strerror", curl.strerror) &&
      find(library, "curl_slist_append", curl.slist_append) &&
      find(library, "curl_slist_free_all", curl.slist_free_all);
  if (whole && curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) return curl;
  return usage_error("fetching needs libcurl, which this system does not have",
                     "Debian's package is libcurl4; `hf download` fills the same cache");
}

struct Exchange {
  HttpAnswer answer;
  const Http::Take* take;
  const std::atomic<bool>* interrupted;
};

// The value of a header line where its name is `name`.
bool header(std::string_view line, std::string_view name, std::string& value) {
  if (line.size() <= name.size() || line[name.size()] != ':') return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(line[i])) != name[i]) return false;
  }
  line.remove_prefix(name.size() + 1);
  const std::size_t begin = line.find_first_not_of(" \t"), end = line.find_last_not_of(" \t\r\n");
  value = begin == line.npos || end == line.npos || end < begin ? "" : line.substr(begin, end - begin + 1);
  return true;
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* user) {
  HttpAnswer& answer = static_cast<Exchange*>(user)->answer;
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {
    answer = {};
    const std::size_t blank = line.find(' ');
    if (blank != line.npos) answer.status = std::atoi(std::string(line.substr(blank + 1, 3)).c_str());
  }
  static_cast<void>(header(line, "retry-after", answer.retry_after) ||
                    header(line, "content-range", answer.content_range) ||
                    header(line, "x-error-code", answer.error_code));
  return size;
}

std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) {
  const Exchange& exchange = *static_cast<Exchange*>(user);
  if (exchange.answer.status != 200 && exchange.answer.status != 206) return size;
  return (*exchange.take)(exchange.answer, {data, size}) ? size : size + 1;
}

int look_up(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(user)->interrupted->load() ? 1 : 0;
}

class CurlHttp : public Http {
 public:
  CurlHttp(const Curl& curl, CURL* easy, const std::atomic<bool>& interrupted)
      : curl_(curl), easy_(easy), interrupted_(interrupted) {}
  CurlHttp(const CurlHttp&) = delete;
  CurlHttp& operator=(const CurlHttp&) = delete;
  ~CurlHttp() override { curl_.cleanup(easy_); }

  HttpAnswer get(const HttpRequest& request, const Take& take) override {
    Exchange exchange{{}, &take, &interrupted_};
    std::array<char, CURL_ERROR_SIZE> reason{};
    set_up(exchange, reason.data());
    curl_slist* fields = nullptr;
    if (!request.token.empty()) {
      fields = curl_.slist_append(fields, fmt::format("Authorization: Bearer {}", request.token).c_str());
    }
    // Bytes as they are stored: a compressed answer could not be gone on with.
    fields = curl_.slist_append(fields, "Accept-Encoding: identity");
    curl_.setopt(easy_, CURLOPT_HTTPHEADER, fields);
    curl_.setopt(easy_, CURLOPT_URL, request.url.c_str());
    const std::string range = fmt::format("{}-", request.from);
    if (request.from > 0) curl_.setopt(easy_, CURLOPT_RANGE, range.c_str());
    const CURLcode code = curl_.perform(easy_);
    curl_.slist_free_all(fields);
    HttpAnswer& answer = exchange.answer;
    if (code != CURLE_OK) {
      answer.status = 0;
      answer.failure = reason[0] ? reason.data() : curl_.strerror(code);
    }
    const char* location = nullptr;
    if (curl_.getinfo(easy_, CURLINFO_REDIRECT_URL, &location) == CURLE_OK && location) answer.location = location;
    return std::move(answer);
  }

 private:
  void set_up(Exchange& exchange, char* reason) {
    constexpr long kConnectSeconds = 20, kSilentSeconds = 30;
    curl_.reset(easy_);  // connections stay
    curl_.setopt(easy_, CURLOPT_ERRORBUFFER, reason);
    curl_.setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_.setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);
    curl_.setopt(easy_, CURLOPT_USERAGENT, "continuo");
    curl_.setopt(easy_, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_.setopt(easy_, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_.setopt(easy_, CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
    curl_.setopt(easy_, CURLOPT_HEADERFUNCTION, take_header);
    curl_.setopt(easy_, CURLOPT_HEADERDATA, &exchange);
    curl_.setopt(easy_, CURLOPT_WRITEFUNCTION, take_body);
    curl_.setopt(easy_, CURLOPT_WRITEDATA, &exchange);
    curl_.setopt(easy_, CURLOPT_NOPROGRESS, 0L);
    curl_.setopt(easy_, CURLOPT_XFERINFOFUNCTION, look_up);
    curl_.setopt(easy_, CURLOPT_XFERINFODATA, &exchange);
  }

  Curl curl_;
  CURL* easy_;
  const std::atomic<bool>& interrupted_;
};

}  // namespace

Result<std::unique_ptr<Http>> Http::create(const std::atomic<bool>& interrupted) {
  CONTINUO_TRY(const Curl curl, load_curl());
  CURL* const easy = curl.init();
  if (!easy) return usage_error("libcurl could not be started");
  return std::unique_ptr<Http>(std::make_unique<CurlHttp>(curl, easy, interrupted));
}

}  // namespace continuo::hub
