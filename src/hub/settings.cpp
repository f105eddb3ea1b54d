#include "hub/settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fstream>

#include "loading/home_folder.h"
#include "loading/hub_cache.h"

namespace continuo::hub {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_on(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::toupper(c); });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

std::string trimmed(std::string text) {
  constexpr const char* kBlanks = " \t\r\n";
  text.erase(text.find_last_not_of(kBlanks) + 1);
  return text.erase(0, text.find_first_not_of(kBlanks));
}

std::string stored_token() {
  std::string path = variable("HF_TOKEN_PATH");
  path = path.empty() ? hub_home() + "/token" : expanded_path(path);
  std::ifstream file(path, std::ios::binary);
  constexpr std::streamsize kLongest = 4096;
  std::array<char, kLongest> text{};
  file.read(text.data(), kLongest);
  return {text.data(), static_cast<std::size_t>(file.gcount())};
}

// Visible ASCII: what may stand in a header field.
bool is_visible(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<HubSettings> hub_settings() {
  for (const char* name : {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}) {
    if (is_on(variable(name))) return usage_error(std::string(name) + " is set, so nothing is fetched");
  }
  HubSettings settings;
  settings.endpoint = trimmed(variable("HF_ENDPOINT"));
  if (settings.endpoint.empty()) settings.endpoint = "https://huggingface.co";
  while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
  const bool is_url = settings.endpoint.starts_with("https://") || settings.endpoint.starts_with("http://");
  if (!is_url || !is_visible(settings.endpoint)) {
    return usage_error("HF_ENDPOINT is '" + settings.endpoint + "', expected a URL such as https://huggingface.co");
  }
  settings.token = trimmed(variable("HF_TOKEN"));
  const bool may_look = !is_on(variable("HF_HUB_DISABLE_IMPLICIT_TOKEN"));
  if (settings.token.empty() && may_look) settings.token = trimmed(stored_token());
  if (!is_visible(settings.token)) return usage_error("the hub's token has characters that no token has");
  return settings;
}

}  // namespace continuo::hub
