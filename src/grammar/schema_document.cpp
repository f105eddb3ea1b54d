#include "grammar/schema_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace continuo {

namespace {

std::string below(const std::string& path, std::string_view name) {
  std::string part;
  for (const char c : name.substr(0, 60)) part += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return path + "/" + part;
}

std::string without_fragment(const std::string& uri) { return uri.substr(0, uri.find('#')); }

bool is_absolute(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  return colon != std::string_view::npos && colon < uri.find_first_of("/?#");
}

// RFC 3986, section 5.2, as far as schemas go: no queries, no dots but in front.
std::string resolved(const std::string& base, std::string reference) {
  if (is_absolute(reference)) return reference;
  const std::string whole = without_fragment(base);
  if (reference.empty() || reference[0] == '#') return whole + reference;
  const std::size_t scheme = whole.find("://");
  const std::size_t root = scheme == std::string::npos ? 0 : std::min(whole.find('/', scheme + 3), whole.size());
  if (reference[0] == '/') return whole.substr(0, root) + reference;
  std::string folder = whole.substr(0, whole.rfind('/') == std::string::npos ? 0 : whole.rfind('/') + 1);
  if (folder.size() <= root) folder = whole.substr(0, root) + (scheme == std::string::npos ? "" : "/");
  for (;;) {
    if (reference.starts_with("./")) {
      reference.erase(0, 2);
    } else if (reference.starts_with("../") && folder.size() > root + 1) {
      reference.erase(0, 3);
      const std::size_t up = folder.rfind('/', folder.size() - 2);
      folder.resize(up == std::string::npos ? root : up + 1);
    } else {
      return folder + reference;
    }
  }
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  const auto digit = [&](std::size_t at) {
    if (at >= text.size()) return std::string_view::npos;
    return std::string_view("0123456789abcdef")
        .find(static_cast<char>(std::tolower(static_cast<unsigned char>(text[at]))));
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '%' && digit(i + 1) < 16 && digit(i + 2) < 16;
    decoded += escaped ? static_cast<char>(digit(i + 1) * 16 + digit(i + 2)) : text[i];
    i += escaped ? 2 : 0;
  }
  return decoded;
}

const std::string* text_in(const Json& schema, const char* word) {
  const auto found = schema.find(word);
  return found != schema.end() && found->is_string() ? &found->get_ref<const std::string&>() : nullptr;
}

}  // namespace

SchemaDocument::SchemaDocument(const Json& root) : root_(root) {
  if (root.is_object()) {
    const std::string* const draft = text_in(root, "$schema");
    const auto is_of = [&](const char* name) { return draft && draft->find(name) != std::string::npos; };
    refs_stand_alone_ = is_of("draft-07") || is_of("draft-06") || is_of("draft-04") || is_of("draft-03");
  }
  find_names(root, "#", "", 0);
  if (places_.empty()) add(root, "#", "");
}

SchemaId SchemaDocument::add(const Json& schema, std::string path, const std::string& base) {
  const auto [known, is_new] = ids_.try_emplace(&schema, static_cast<SchemaId>(places_.size()));
  if (is_new) places_.push_back({&schema, std::move(path), base});
  return known->second;
}

// The root, and all that have a name of their own.
void SchemaDocument::find_names(const Json& schema, const std::string& path, const std::string& base, int depth) {
  if (depth > kMaxJsonDepth) return;
  std::string inner = base;
  if (schema.is_object()) {
    const bool alone = refs_stand_alone_ && schema.contains("$ref");
    const std::string* id = alone ? nullptr : text_in(schema, "$id");
    if (!id && refs_stand_alone_ && !alone) id = text_in(schema, "id");
    if (depth == 0) named_[""] = add(schema, path, "");
    if (id) {
      const std::string uri = resolved(base, *id);
      if (id->starts_with('#')) {  // an anchor of draft 6 and 7
        named_.try_emplace(uri, add(schema, path, base));
      } else {
        inner = without_fragment(uri);
        const SchemaId named = add(schema, path, inner);
        places_[named].base = inner;
        named_.try_emplace(inner, named);
      }
    }
    for (const char* word : {"$anchor", "$dynamicAnchor"}) {
      if (const std::string* anchor = text_in(schema, word))
        named_.try_emplace(inner + "#" + *anchor, add(schema, path, inner));
    }
  }
  if (!schema.is_structured()) return;
  for (const auto& [name, part] : schema.items()) {
    if (name == "enum" || name == "const") continue;
    if (part.is_structured()) find_names(part, below(path, name), inner, depth + 1);
  }
}

SchemaId SchemaDocument::id_of(const Json& schema, const SchemaId parent, std::string_view word,
                               std::string_view part) {
  if (const auto known = ids_.find(&schema); known != ids_.end()) return known->second;
  std::string path = below(places_[parent].path, word);
  if (!part.empty()) path = below(path, part);
  return add(schema, std::move(path), std::string(places_[parent].base));
}

SchemaId SchemaDocument::make(Json schema, SchemaId parent) {
  made_.push_back(std::move(schema));
  return add(made_.back(), std::string(places_[parent].path), std::string(places_[parent].base));
}

Error SchemaDocument::wrong(SchemaId at, std::string_view what) const {
  return usage_error(fmt::format("at {} {}", path(at), what));
}
Error SchemaDocument::unsupported(SchemaId at, std::string_view what) const {
  return usage_error(fmt::format("at {} has {}, which is not supported", path(at), what));
}

Result<SchemaId> SchemaDocument::target(const std::string& reference, SchemaId from) {
  const std::string uri = resolved(places_[from].base, reference);
  const std::size_t hash = uri.find('#');
  const std::string document = uri.substr(0, hash), fragment = hash == std::string::npos ? "" : uri.substr(hash + 1);
  if (const auto named = named_.find(fragment.empty() ? document : uri); named != named_.end()) return named->second;
  auto root = named_.find(document);
  if (root == named_.end() && reference.starts_with('#')) root = named_.find("");
  if (root == named_.end() || (!fragment.empty() && fragment[0] != '/'))
    return unsupported(from, fmt::format("the $ref \"{}\" to something outside or by name", reference.substr(0, 80)));
  return follow(root->second, fragment, reference, from);
}

// A JSON pointer.
Result<SchemaId> SchemaDocument::follow(SchemaId from, std::string_view pointer, const std::string& reference,
                                        SchemaId asking) {
  const std::string decoded = percent_decoded(pointer);
  SchemaId at = from;
  for (std::size_t start = 1; start <= decoded.size();) {
    const std::size_t end = std::min(decoded.find('/', start), decoded.size());
    std::string part = decoded.substr(start, end - start);
    for (const auto& [escape, to] : {std::pair("~1", '/'), std::pair("~0", '~')}) {
      for (std::size_t i = part.find(escape); i != std::string::npos; i = part.find(escape, i + 1))
        part.replace(i, 2, 1, to);
    }
    const Json& here = json(at);
    const bool is_index = here.is_array() && !part.empty() && part.size() < 9 &&
                          part.find_first_not_of("0123456789") == std::string::npos;
    if (here.is_object() && here.contains(part)) {
      at = id_of(here.at(part), at, part);
    } else if (is_index && std::stoul(part) < here.size()) {
      at = id_of(here.at(std::stoul(part)), at, part);
    } else {
      return wrong(asking, fmt::format("has the $ref \"{}\", which leads nowhere", reference.substr(0, 80)));
    }
    start = end + 1;
  }
  return at;
}

}  // namespace continuo
