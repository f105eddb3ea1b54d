// JSON schemas, draft 2020-12 and draft 7, as syntax. A keyword either has its full meaning, or it is an
// error that names it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/json.h"
#include "grammar/json_values.h"
#include "grammar/readers.h"

namespace continuo {

namespace {

// What says nothing about which values are valid.
const std::set<std::string_view> kAnnotations = {
    "title",       "description", "default",  "examples",  "$comment",         "$schema",         "$defs",
    "definitions", "deprecated",  "readOnly", "writeOnly", "contentMediaType", "contentEncoding", "contentSchema"};
const std::set<std::string_view> kNumberWords = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
                                                 "multipleOf"};
const std::set<std::string_view> kStringWords = {"minLength", "maxLength", "pattern", "format"};
const std::set<std::string_view> kArrayWords = {"items",    "prefixItems", "additionalItems",
                                                "minItems", "maxItems",    "uniqueItems"};
const std::set<std::string_view> kObjectWords = {"properties", "required", "additionalProperties", "minProperties",
                                                 "maxProperties"};
const std::set<std::string_view> kOtherWords = {"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"};
constexpr std::string_view kTypes[] = {"null", "boolean", "integer", "number", "string", "array", "object"};

const std::map<std::string_view, std::string_view> kFormats = {
    {"date", "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\\d|2[0-8])$"},
    {"time", "^([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$"},
    {"date-time",
     "^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\\d|2[0-8])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-](["
     "01]\\d|2[0-3]):[0-5]\\d)$"},
    {"uuid", "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"},
    {"ipv4", "^((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)\\.){3}(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)$"}};

// Where something stands in the schema: "#/properties/a".
using Place = std::string;

Place below(const Place& place, std::string_view name) {
  std::string part;
  for (const char c : name.substr(0, 60)) part += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return place + "/" + part;
}

Error wrong(const Place& place, std::string_view what) { return usage_error(fmt::format("at {} {}", place, what)); }
Error unsupported(const Place& place, std::string_view what) {
  return usage_error(fmt::format("at {} has {}, which is not supported", place, what));
}

using Types = std::set<std::string_view>;

// Types of which no value is of two. A number may be an integer.
bool disjoint(const Types& a, const Types& b) {
  const auto has = [](const Types& types, std::string_view type) {
    return types.count(type) > 0 || (type == "integer" && types.count("number") > 0) ||
           (type == "number" && types.count("integer") > 0);
  };
  return std::none_of(a.begin(), a.end(), [&](std::string_view type) { return has(b, type); });
}

Result<Types> types_of(const Json& schema, const Place& place) {
  const auto found = schema.find("type");
  if (found == schema.end()) return Types(std::begin(kTypes), std::end(kTypes));
  const Json list = found->is_string() ? Json::array({*found}) : *found;
  Types types;
  if (!list.is_array() || list.empty()) return wrong(place, "has a type that is neither a name nor a list of names");
  for (const Json& name : list) {
    const auto* const known =
        std::find_if(std::begin(kTypes), std::end(kTypes), [&](std::string_view type) { return name == Json(type); });
    if (known == std::end(kTypes)) return wrong(place, "has a type that JSON does not know");
    types.insert(*known);
  }
  return types;
}

bool is_of(const Json& value, const Types& types) {
  const auto has = [&](std::string_view type) { return types.count(type) > 0; };
  if (value.is_null()) return has("null");
  if (value.is_boolean()) return has("boolean");
  if (value.is_string()) return has("string");
  if (value.is_array()) return has("array");
  if (value.is_object()) return has("object");
  return has("number") || (has("integer") && value.is_number_integer());
}

Result<std::optional<std::int64_t>> whole(const Json& schema, std::string_view word, const Place& place) {
  const auto found = schema.find(word);
  if (found == schema.end()) return std::optional<std::int64_t>();
  constexpr double kExact = 9007199254740992;  // 2^53
  if (found->is_number_unsigned() && found->get<std::uint64_t>() > std::uint64_t{INT64_MAX})
    return unsupported(place, fmt::format("a {} above 2^63", word));
  if (found->is_number_integer()) return std::optional(found->get<std::int64_t>());
  if (!found->is_number()) return wrong(place, fmt::format("has a {} that is not a number", word));
  const double value = found->get<double>();
  if (value != static_cast<double>(static_cast<std::int64_t>(std::clamp(value, -kExact, kExact))))
    return unsupported(place, fmt::format("a {} that is not a whole number", word));
  return std::optional(static_cast<std::int64_t>(value));
}

// A count of characters, elements or members.
Result<std::uint32_t> count_of(const Json& schema, std::string_view word, std::uint32_t otherwise, const Place& place) {
  CONTINUO_TRY(const auto value, whole(schema, word, place));
  if (!value) return otherwise;
  if (*value < 0) return wrong(place, fmt::format("has a {} below 0", word));
  return static_cast<std::uint32_t>(std::min<std::int64_t>(*value, kUnbounded - 1));
}

class SchemaReader {
 public:
  SchemaReader(const Json& root, Syntax& syntax) : root_(root), syntax_(syntax), values_(syntax) {}

  Result<RuleId> read() {
    const RuleId root = syntax_.new_rule("#");
    rules_["#"] = root;
    CONTINUO_TRY(const NodeId body, node(root_, "#"));
    syntax_.set_rule(root, body);
    while (!waiting_.empty()) {
      const auto [place, schema] = waiting_.back();
      waiting_.pop_back();
      CONTINUO_TRY(const NodeId target, node(*schema, place));
      syntax_.set_rule(rules_.at(place), target);
    }
    return root;
  }

 private:
  static constexpr int kMostDepth = 128;

  Result<NodeId> node(const Json& schema, const Place& place) {
    if (schema.is_boolean()) return schema.get<bool>() ? values_.any() : syntax_.never();
    if (!schema.is_object()) return wrong(place, "is neither an object nor true nor false");
    if (syntax_.full()) return wrong(place, "is where it becomes too large");
    if (depth_ >= kMostDepth) return wrong(place, "nests too deep");
    ++depth_;
    auto made = node_of(schema, place);
    --depth_;
    return made;
  }

  Result<NodeId> node_of(const Json& schema, const Place& place) {
    CONTINUO_TRY_VOID(check_words(schema, place));
    if (schema.contains("$ref")) return reference(schema, place);
    if (schema.contains("allOf")) return all_of(schema, place);
    for (const char* word : {"anyOf", "oneOf"}) {
      if (schema.contains(word)) return any_of(schema, word, place);
    }
    if (schema.contains("enum") || schema.contains("const")) return given(schema, place);
    CONTINUO_TRY(const Types types, types_of(schema, place));
    std::vector<NodeId> choices;
    for (const std::string_view type : types) {
      if (type == "integer" && types.count("number") > 0) continue;
      CONTINUO_TRY(const NodeId choice, of_type(type, schema, place));
      choices.push_back(choice);
    }
    return syntax_.alt(choices);
  }

  Result<void> check_words(const Json& schema, const Place& place) {
    for (const auto& [word, value] : schema.items()) {
      const auto in = [&w = word](const auto& words) { return words.count(w) > 0; };
      if (in(kAnnotations) || in(kNumberWords) || in(kStringWords) || in(kArrayWords) || in(kObjectWords) ||
          in(kOtherWords))
        continue;
      if (word == "$id" && place == "#") continue;
      return unsupported(place, fmt::format("the keyword \"{}\"", word.substr(0, 60)));
    }
    return {};
  }

  // Those that are not annotations, and not one of these.
  static std::vector<std::string> others(const Json& schema, std::initializer_list<std::string_view> these) {
    std::vector<std::string> words;
    for (const auto& [word, value] : schema.items()) {
      const bool is_one = std::find(these.begin(), these.end(), word) != these.end();
      if (!is_one && kAnnotations.count(word) == 0 && word != "$id") words.push_back(word);
    }
    return words;
  }

  // ---- references ----

  Result<const Json*> target(const std::string& reference, const Place& place) {
    const auto refused = [&] {
      return unsupported(place,
                         fmt::format("the $ref \"{}\" to something outside or by name", reference.substr(0, 80)));
    };
    if (!reference.starts_with('#')) return refused();
    if (reference == "#") return &root_;
    if (!reference.starts_with("#/")) return refused();
    std::string decoded;
    for (std::size_t i = 1; i < reference.size(); ++i) {
      const auto digit = [&](std::size_t at) {
        return at < reference.size()
                   ? std::string_view("0123456789abcdef")
                         .find(static_cast<char>(std::tolower(static_cast<unsigned char>(reference[at]))))
                   : std::string_view::npos;
      };
      const bool escaped = reference[i] == '%' && digit(i + 1) < 16 && digit(i + 2) < 16;
      decoded += escaped ? static_cast<char>(digit(i + 1) * 16 + digit(i + 2)) : reference[i];
      i += escaped ? 2 : 0;
    }
    const Json* at = &root_;
    for (std::size_t start = 1; start <= decoded.size();) {
      const std::size_t end = std::min(decoded.find('/', start), decoded.size());
      std::string part = decoded.substr(start, end - start);
      for (const auto& [from, to] : {std::pair("~1", '/'), std::pair("~0", '~')}) {
        for (std::size_t i = part.find(from); i != std::string::npos; i = part.find(from, i + 1))
          part.replace(i, 2, 1, to);
      }
      const bool is_index = at->is_array() && !part.empty() && part.size() < 9 &&
                            part.find_first_not_of("0123456789") == std::string::npos;
      if (at->is_object() && at->contains(part)) {
        at = &(*at)[part];
      } else if (is_index && std::stoul(part) < at->size()) {
        at = &(*at)[std::stoul(part)];
      } else {
        return wrong(place, fmt::format("has the $ref \"{}\", which leads nowhere", reference.substr(0, 80)));
      }
      start = end + 1;
    }
    return at;
  }

  Result<NodeId> reference(const Json& schema, const Place& place) {
    if (!schema["$ref"].is_string()) return wrong(place, "has a $ref that is not a string");
    if (const auto words = others(schema, {"$ref"}); !words.empty()) {
      if (is_draft_7()) return rule_at(schema["$ref"].get<std::string>(), place);
      return unsupported(place, fmt::format("a $ref together with \"{}\"", words.front()));
    }
    return rule_at(schema["$ref"].get<std::string>(), place);
  }

  bool is_draft_7() const {
    const auto found = root_.is_object() ? root_.find("$schema") : root_.end();
    return root_.is_object() && found != root_.end() && found->is_string() &&
           found->get_ref<const std::string&>().find("draft-07") != std::string::npos;
  }

  Result<NodeId> rule_at(const std::string& reference, const Place& place) {
    CONTINUO_TRY(const Json* const schema, target(reference, place));
    const auto [rule, is_new] = rules_.try_emplace(reference, 0);
    if (is_new) {
      rule->second = syntax_.new_rule(reference);
      waiting_.push_back({reference, schema});
    }
    return syntax_.rule(rule->second);
  }

  // ---- several schemas ----

  // What both say. Only words that cannot disturb each other are put together.
  Result<Json> merged(Json a, const Json& b, const Place& place) {
    if (b.is_boolean() && b.get<bool>()) return a;
    if (!a.is_object() || !b.is_object()) return unsupported(place, "schemas together that are not objects");
    const bool closed = (a.contains("additionalProperties") && b.contains("properties")) ||
                        (b.contains("additionalProperties") && a.contains("properties")) ||
                        (a.contains("additionalProperties") && b.contains("additionalProperties"));
    if (closed) return unsupported(place, "additionalProperties beside the properties of another schema");
    for (const auto& [word, value] : b.items()) {
      if (kAnnotations.count(word) > 0) continue;
      if (!a.contains(word) || a[word] == value) {
        a[word] = value;
      } else if (word == "required" && a[word].is_array() && value.is_array()) {
        for (const Json& name : value) {
          if (std::find(a[word].begin(), a[word].end(), name) == a[word].end()) a[word].push_back(name);
        }
      } else if (word == "properties" && a[word].is_object() && value.is_object()) {
        for (const auto& [name, property] : value.items()) {
          if (!a[word].contains(name)) {
            a[word][name] = property;
          } else {
            a[word][name] = {{"allOf", {a[word][name], property}}};
          }
        }
      } else if ((word == "minimum" || word == "minLength" || word == "minItems") && a[word].is_number() &&
                 value.is_number()) {
        a[word] = std::max(a[word], value);
      } else if ((word == "maximum" || word == "maxLength" || word == "maxItems") && a[word].is_number() &&
                 value.is_number()) {
        a[word] = std::min(a[word], value);
      } else if (word == "type") {
        CONTINUO_TRY(const Types first, types_of(a, place));
        CONTINUO_TRY(const Types second, types_of(b, place));
        Json both = Json::array();
        for (const std::string_view type : kTypes) {
          const bool in_first = first.count(type) > 0 || (type == "integer" && first.count("number") > 0);
          const bool in_second = second.count(type) > 0 || (type == "integer" && second.count("number") > 0);
          if (in_first && in_second) both.push_back(type);
        }
        if (both.empty()) return Json(false);
        a[word] = std::move(both);
      } else {
        return unsupported(place, fmt::format("\"{}\" in two schemas that hold together", word.substr(0, 60)));
      }
    }
    return a;
  }

  // A schema without $ref, for merging.
  Result<Json> plain(const Json& schema, const Place& place) {
    Json at = schema;
    for (int steps = 0; at.is_object() && at.contains("$ref"); ++steps) {
      if (steps == 32) return wrong(place, "has a $ref that leads to itself");
      if (!at["$ref"].is_string() || !others(at, {"$ref"}).empty())
        return unsupported(place, "a $ref together with other keywords");
      CONTINUO_TRY(const Json* const next, target(at["$ref"].get<std::string>(), place));
      at = Json(*next);
    }
    return at;
  }

  Result<NodeId> all_of(const Json& schema, const Place& place) {
    const Json& list = schema["allOf"];
    if (!list.is_array() || list.empty()) return wrong(place, "has an allOf that is not a list of schemas");
    Json whole = schema;
    whole.erase("allOf");
    if (list.size() == 1 && others(whole, {}).empty()) return node(list[0], below(place, "allOf"));
    for (const Json& part : list) {
      CONTINUO_TRY(const Json plain_part, plain(part, place));
      CONTINUO_TRY(whole, merged(std::move(whole), plain_part, place));
    }
    return node(whole, place);
  }

  Result<NodeId> any_of(const Json& schema, const std::string& word, const Place& place) {
    const Json& list = schema[word];
    if (!list.is_array() || list.empty())
      return wrong(place, fmt::format("has a {} that is not a list of schemas", word));
    Json around = schema;
    around.erase(word);
    const bool alone = others(around, {}).empty();
    if (word == "oneOf") CONTINUO_TRY_VOID(check_disjoint(list, place));
    std::vector<NodeId> choices;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Place branch = below(below(place, word), std::to_string(i));
      if (alone) {
        CONTINUO_TRY(const NodeId choice, node(list[i], branch));
        choices.push_back(choice);
        continue;
      }
      CONTINUO_TRY(const Json part, plain(list[i], branch));
      CONTINUO_TRY(const Json both, merged(around, part, branch));
      CONTINUO_TRY(const NodeId choice, node(both, branch));
      choices.push_back(choice);
    }
    return syntax_.alt(choices);
  }

  // The values that a schema lists, or null.
  static const Json* listed(const Json& schema, Json& memory) {
    if (!schema.is_object()) return nullptr;
    if (schema.contains("const")) return &(memory = Json::array({schema["const"]}));
    return schema.contains("enum") && schema["enum"].is_array() ? &schema["enum"] : nullptr;
  }

  static bool share_no_value(const Json& a, const Json& b) {
    Json memory_a, memory_b;
    const Json *first = listed(a, memory_a), *second = listed(b, memory_b);
    if (!first || !second) return false;
    return std::none_of(first->begin(), first->end(), [&](const Json& value) {
      return std::find(second->begin(), second->end(), value) != second->end();
    });
  }

  // Whether a member that both require tells them apart.
  static bool told_apart(const Json& a, const Json& b) {
    const auto requires_member = [](const Json& schema, const std::string& name) {
      return schema.contains("type") && schema["type"] == "object" && schema.contains("required") &&
             schema["required"].is_array() &&
             std::find(schema["required"].begin(), schema["required"].end(), Json(name)) != schema["required"].end();
    };
    if (!a.is_object() || !b.is_object() || !a.contains("properties") || !b.contains("properties")) return false;
    for (const auto& [name, property] : a["properties"].items()) {
      if (b["properties"].is_object() && b["properties"].contains(name) && requires_member(a, name) &&
          requires_member(b, name) && share_no_value(property, b["properties"][name]))
        return true;
    }
    return false;
  }

  // Exactly one of several holds where any does, if no two can hold together.
  Result<void> check_disjoint(const Json& list, const Place& place) {
    constexpr std::size_t kMost = 300;
    if (list.size() > kMost) return unsupported(place, fmt::format("a oneOf of more than {} schemas", kMost));
    std::vector<Json> parts;
    for (const Json& part : list) {
      CONTINUO_TRY(Json one, plain(part, place));
      parts.push_back(std::move(one));
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (!parts[i].is_object() || !parts[j].is_object()) {
          if (parts[i] == Json(false) || parts[j] == Json(false)) continue;
          return unsupported(place, "a oneOf whose schemas may hold together");
        }
        CONTINUO_TRY(const Types first, types_of(parts[i], place));
        CONTINUO_TRY(const Types second, types_of(parts[j], place));
        if (!disjoint(first, second) && !share_no_value(parts[i], parts[j]) && !told_apart(parts[i], parts[j]))
          return unsupported(place, "a oneOf whose schemas may hold together");
      }
    }
    return {};
  }

  // ---- values ----

  Result<NodeId> given(const Json& schema, const Place& place) {
    if (const auto words = others(schema, {"type", "enum", "const"}); !words.empty())
      return unsupported(place, fmt::format("enum or const together with \"{}\"", words.front()));
    CONTINUO_TRY(const Types types, types_of(schema, place));
    Json values = Json::array();
    if (schema.contains("const")) values.push_back(schema["const"]);
    if (schema.contains("enum")) {
      if (!schema["enum"].is_array()) return wrong(place, "has an enum that is not a list");
      if (schema.contains("const")) {
        if (std::find(schema["enum"].begin(), schema["enum"].end(), values[0]) == schema["enum"].end()) values.clear();
      } else {
        values = schema["enum"];
      }
    }
    std::vector<NodeId> choices;
    for (const Json& value : values) {
      if (is_of(value, types)) choices.push_back(values_.value(value));
    }
    return syntax_.alt(choices);
  }

  Result<NodeId> of_type(std::string_view type, const Json& schema, const Place& place) {
    if (type == "null") return values_.null();
    if (type == "boolean") return values_.boolean();
    if (type == "integer") return integer(schema, place);
    if (type == "number") return number(schema, place);
    if (type == "string") return string(schema, place);
    return type == "array" ? array(schema, place) : object(schema, place);
  }

  struct Bounds {
    std::optional<JsonValues::Bound> least, most;
  };

  Result<Bounds> bounds(const Json& schema, const Place& place) {
    if (schema.contains("multipleOf")) {
      CONTINUO_TRY(const auto step, whole(schema, "multipleOf", place));
      const bool integers = schema.contains("type") && schema["type"] == "integer";
      if (*step != 1 || !integers) return unsupported(place, "the keyword \"multipleOf\"");
    }
    Bounds found;
    for (const auto& [word, exclusive, is_least] :
         {std::tuple("minimum", false, true), std::tuple("exclusiveMinimum", true, true),
          std::tuple("maximum", false, false), std::tuple("exclusiveMaximum", true, false)}) {
      CONTINUO_TRY(const auto value, whole(schema, word, place));
      if (!value) continue;
      auto& bound = is_least ? found.least : found.most;
      const bool tighter =
          !bound || (is_least ? *value > bound->value : *value < bound->value) || (*value == bound->value && exclusive);
      if (tighter) bound = JsonValues::Bound{*value, exclusive};
    }
    return found;
  }

  Result<NodeId> integer(const Json& schema, const Place& place) {
    CONTINUO_TRY(const Bounds bound, bounds(schema, place));
    std::optional<std::int64_t> least, most;
    if (bound.least) {
      if (bound.least->exclusive && bound.least->value == INT64_MAX) return syntax_.never();
      least = bound.least->value + (bound.least->exclusive ? 1 : 0);
    }
    if (bound.most) {
      if (bound.most->exclusive && bound.most->value == INT64_MIN) return syntax_.never();
      most = bound.most->value - (bound.most->exclusive ? 1 : 0);
    }
    if (least && most && *least > *most) return syntax_.never();
    return values_.integer(least, most);
  }

  Result<NodeId> number(const Json& schema, const Place& place) {
    CONTINUO_TRY(const Bounds bound, bounds(schema, place));
    if (bound.least && bound.most) {
      const auto low = bound.least->value, high = bound.most->value;
      if (low > high || (low == high && (bound.least->exclusive || bound.most->exclusive))) return syntax_.never();
    }
    return values_.number(bound.least, bound.most);
  }

  Result<NodeId> string(const Json& schema, const Place& place) {
    CONTINUO_TRY(const std::uint32_t least, count_of(schema, "minLength", 0, place));
    CONTINUO_TRY(const std::uint32_t most, count_of(schema, "maxLength", kUnbounded, place));
    if (least > most) return syntax_.never();
    const bool pattern = schema.contains("pattern"), format = schema.contains("format");
    if (!pattern && !format) return values_.string(least, most);
    if ((pattern && format) || least > 0 || most != kUnbounded)
      return unsupported(place, "two of pattern, format and minLength or maxLength together");
    const Json& word = schema[pattern ? "pattern" : "format"];
    if (!word.is_string()) return wrong(place, "has a pattern or format that is not a string");
    std::string_view expression = word.get_ref<const std::string&>();
    if (format) {
      const auto known = kFormats.find(expression);
      if (known == kFormats.end())
        return unsupported(place, fmt::format("the format \"{}\"", expression.substr(0, 60)));
      expression = known->second;
    }
    auto body = read_json_pattern(expression, syntax_);
    if (!body) return wrong(place, fmt::format("has a pattern that {}", body.error().what));
    return syntax_.seq({syntax_.byte('"'), *body, syntax_.byte('"')});
  }

  Result<NodeId> array(const Json& schema, const Place& place) {
    if (schema.contains("uniqueItems") && schema["uniqueItems"] != Json(false))
      return unsupported(place, "the keyword \"uniqueItems\"");
    CONTINUO_TRY(const std::uint32_t least, count_of(schema, "minItems", 0, place));
    CONTINUO_TRY(const std::uint32_t most, count_of(schema, "maxItems", kUnbounded, place));
    if (least > most) return syntax_.never();
    // Draft 7 has its lists in `items`, and what follows in `additionalItems`.
    const bool old = schema.contains("items") && schema["items"].is_array();
    const Json none = Json::array(), all = true;
    const Json& first = old ? schema["items"] : schema.contains("prefixItems") ? schema["prefixItems"] : none;
    const char* const rest_word = old ? "additionalItems" : "items";
    const Json& rest = schema.contains(rest_word) ? schema[rest_word] : all;
    if (!first.is_array()) return wrong(place, "has prefixItems that are not a list");
    std::vector<NodeId> prefix;
    for (std::size_t i = 0; i < first.size(); ++i) {
      CONTINUO_TRY(const NodeId element,
                   node(first[i], below(below(place, old ? "items" : "prefixItems"), std::to_string(i))));
      prefix.push_back(element);
    }
    CONTINUO_TRY(const NodeId others, node(rest, below(place, rest_word)));
    return syntax_.seq({values_.open('['), elements(prefix, others, least, most), values_.close(']')});
  }

  // From `least` to `most` elements: first those of `prefix`, then others.
  NodeId elements(const std::vector<NodeId>& prefix, NodeId others, std::uint32_t least, std::uint32_t most) {
    const auto n = static_cast<std::uint32_t>(prefix.size());
    const auto less = [](std::uint32_t count, std::uint32_t by) {
      return count == kUnbounded ? kUnbounded : count - std::min(count, by);
    };
    if (most == 0) return syntax_.empty();
    const NodeId further = syntax_.seq({values_.comma(), others});
    if (n == 0) {
      const NodeId some = syntax_.seq({others, syntax_.repeat(further, less(least, 1), less(most, 1))});
      return least == 0 ? syntax_.optional(some) : some;
    }
    NodeId tail = most > n ? syntax_.repeat(further, less(least, n), less(most, n)) : syntax_.empty();
    for (std::uint32_t i = n; i > 0; --i) {
      if (i > most) continue;
      const NodeId element =
          i > 1 ? syntax_.seq({values_.comma(), prefix[i - 1], tail}) : syntax_.seq({prefix[0], tail});
      tail = i > least ? syntax_.optional(element) : element;
    }
    return tail;
  }

  Result<NodeId> object(const Json& schema, const Place& place) {
    const Json none = Json::object(), all = true, empty = Json::array();
    const Json& properties = schema.contains("properties") ? schema["properties"] : none;
    const Json& required = schema.contains("required") ? schema["required"] : empty;
    const Json& additional = schema.contains("additionalProperties") ? schema["additionalProperties"] : all;
    if (!properties.is_object()) return wrong(place, "has properties that are not an object");
    if (!required.is_array()) return wrong(place, "has a required that is not a list");
    std::set<std::string> wanted;
    for (const Json& name : required) {
      if (!name.is_string()) return wrong(place, "has a required that is not a list of strings");
      wanted.insert(name.get<std::string>());
    }
    CONTINUO_TRY_VOID(check_member_counts(schema, wanted.size(), place));
    CONTINUO_TRY(const NodeId other_value, node(additional, below(place, "additionalProperties")));
    ObjectSyntax object{
        .members = {}, .other = 0, .open = values_.open('{'), .comma = values_.comma(), .close = values_.close('}')};
    std::vector<std::string> names;
    const auto add = [&](const std::string& name, NodeId value) {
      object.members.push_back({syntax_.seq({values_.key(name), value}), wanted.count(name) > 0});
      names.push_back(name);
    };
    constexpr std::size_t kLongestName = 1000;
    for (const auto& [name, property] : properties.items()) {
      if (name.size() > kLongestName) return unsupported(place, "the name of a property of more than 1000 bytes");
      CONTINUO_TRY(const NodeId value, node(property, below(below(place, "properties"), name)));
      add(name, value);
    }
    for (const std::string& name : wanted) {
      if (name.size() > kLongestName) return unsupported(place, "the name of a property of more than 1000 bytes");
      if (!properties.contains(name)) add(name, other_value);
    }
    const bool closed = additional == Json(false);
    object.other = closed ? syntax_.never() : syntax_.seq({values_.other_key(names), other_value});
    return syntax_.object(std::move(object));
  }

  // Members that are not named may come twice, and count once: so only bounds that say nothing more than the
  // other words.
  Result<void> check_member_counts(const Json& schema, std::size_t wanted, const Place& place) {
    CONTINUO_TRY(const std::uint32_t least, count_of(schema, "minProperties", 0, place));
    if (least > wanted) return unsupported(place, "a minProperties above the number of required members");
    if (!schema.contains("maxProperties")) return {};
    CONTINUO_TRY(const std::uint32_t most, count_of(schema, "maxProperties", kUnbounded, place));
    const bool closed = schema.contains("additionalProperties") && schema["additionalProperties"] == Json(false);
    const std::size_t possible = schema.contains("properties") ? schema["properties"].size() : 0;
    if (!closed || possible > most) return unsupported(place, "a maxProperties below the number of possible members");
    return {};
  }

  const Json& root_;
  Syntax& syntax_;
  JsonValues values_;
  std::map<std::string, RuleId> rules_;  // by reference
  std::vector<std::pair<std::string, const Json*>> waiting_;
  int depth_ = 0;
};

}  // namespace

Result<RuleId> read_json_schema(std::string_view text, Syntax& syntax) {
  auto json = parse_json(text, "");
  if (!json) {
    Error error = json.error();
    return usage_error(fmt::format("is not valid JSON: {}", error.what));
  }
  return SchemaReader(*json, syntax).read();
}

}  // namespace continuo
