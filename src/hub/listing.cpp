#include "hub/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/json.h"

namespace continuo::hub {

namespace {

bool is_hexadecimal(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string text_of(const Json& object, const char* key) {
  const auto member = object.is_object() ? object.find(key) : object.end();
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

std::optional<std::uint64_t> size_of(const Json& object) {
  const auto member = object.is_object() ? object.find("size") : object.end();
  if (member == object.end() || !member->is_number_unsigned()) return std::nullopt;
  return member->get<std::uint64_t>();
}

Result<HubFile> file_of(const Json& entry, const std::string& source) {
  HubFile file;
  file.name = text_of(entry, "rfilename");
  if (!is_safe_path(file.name)) {
    return model_error(source, fmt::format("lists a file '{}', which is no path within a folder", file.name),
                       "nothing was fetched");
  }
  const auto lfs = entry.find("lfs");
  const bool large = lfs != entry.end() && lfs->is_object();
  file.hash = large ? HashKind::sha256 : HashKind::sha1;
  file.checksum = large ? text_of(*lfs, "sha256") : text_of(entry, "blobId");
  const auto size = size_of(large ? *lfs : entry);
  if (!size || !is_hexadecimal(file.checksum, large ? 64 : 40)) {
    return model_error(source, fmt::format("gives no size and checksum of '{}'", file.name), "is this a model hub?");
  }
  file.size = *size;
  return file;
}

}  // namespace

bool is_safe_path(std::string_view name) {
  constexpr std::size_t kLongestPath = 1000, kLongestComponent = 255;
  if (name.empty() || name.size() > kLongestPath) return false;
  const auto is_plain = [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '\x7f' && c != '\\'; };
  if (!std::all_of(name.begin(), name.end(), is_plain)) return false;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string_view component = name.substr(at, end - at);
    if (component.empty() || component == "." || component == ".." || component.size() > kLongestComponent) {
      return false;
    }
    at = end + 1;
  }
  return true;
}

Result<Listing> parse_listing(std::string_view json, const std::string& source) {
  CONTINUO_TRY(const Json answer, parse_json(json, source));
  Listing listing;
  listing.commit = text_of(answer, "sha");
  if (!is_hexadecimal(listing.commit, 40)) {
    return model_error(source, "does not say which commit it is of", "is this a model hub?");
  }
  const auto siblings = answer.find("siblings");
  if (siblings == answer.end() || !siblings->is_array()) return model_error(source, "has no list of files");
  std::set<std::string> names;
  for (const Json& entry : *siblings) {
    CONTINUO_TRY(HubFile file, file_of(entry, source));
    if (!names.insert(file.name).second) {
      return model_error(source, fmt::format("lists '{}' twice", file.name));
    }
    listing.files.push_back(std::move(file));
  }
  return listing;
}

}  // namespace continuo::hub
