#include "grammar/schema_strings.h"

#include <algorithm>

#include "base/json.h"
#include "grammar/readers.h"

namespace continuo {

namespace {

// Texts that have the format whatever else is asked of it (a 31st day of some months has not).
const std::map<std::string_view, std::string> kFormats = [] {
  const std::string date =
      "(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))|"
      "(\\d{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)";
  const std::string time = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?([Zz]|[+-]([01]\\d|2[0-3]):[0-5]\\d)";
  const std::string byte = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)", ipv4 = "(" + byte + "\\.){3}" + byte;
  const std::string label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
  const std::string host = label + "(\\." + label + ")*";
  const std::string h = "[0-9a-fA-F]{1,4}";
  std::string ipv6 = "((" + h + ":){7}" + h + "|(" + h + ":){6}" + ipv4;
  for (int before = 0; before <= 6; ++before) {  // groups before the "::"
    const int behind = 7 - before;
    const std::string first = before == 0 ? "" : h + "(:" + h + "){" + std::to_string(before - 1) + "}";
    const std::string most = std::to_string(behind);
    ipv6 += "|" + first + "::(" + h + "(:" + h + "){0," + std::to_string(std::max(behind - 1, 0)) + "})?";
    if (behind >= 2) ipv6 += "|" + first + "::(" + h + ":){0," + std::to_string(behind - 2) + "}" + ipv4;
  }
  ipv6 += "|" + h + "(:" + h + "){6}::)";
  const std::string atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
  const std::string part = "[A-Za-z0-9]+(-+[A-Za-z0-9]+)*";  // of an address, of any length
  const std::string email = atom + "(\\." + atom + ")*@" + part + "(\\." + part + ")*";
  const std::string escape = "%[0-9A-Fa-f]{2}", sub = "!$&'()*+,;=";
  const std::string unreserved = "-A-Za-z0-9._~";
  const std::string pchar = "([" + unreserved + sub + ":@]|" + escape + ")";
  const std::string authority = "(([" + unreserved + sub + ":]|" + escape + ")*@)?(\\[" + ipv6 + "\\]|([" + unreserved +
                                sub + "]|" + escape + ")*)(:\\d*)?";
  const std::string path = "(/" + pchar + "*)*", tail = "(\\?([?/]|" + pchar + ")*)?(#([?/]|" + pchar + ")*)?";
  const std::string uri = "[A-Za-z][A-Za-z0-9+.-]*:(//" + authority + path + "|/(" + pchar + "+" + path + ")?|" +
                          pchar + "+" + path + "|)" + tail;
  const std::string relative = "(//" + authority + path + "|/(" + pchar + "+" + path + ")?|([" + unreserved + sub +
                               "@]|" + escape + ")+" + path + "|)" + tail;
  const std::string clock = "(\\d+H(\\d+M(\\d+S)?)?|\\d+M(\\d+S)?|\\d+S)";
  const auto whole = [](const std::string& text) { return "^(" + text + ")$"; };
  return std::map<std::string_view, std::string>{
      {"date", whole(date)},
      {"time", whole(time)},
      {"date-time", whole(date + "[Tt]" + time)},
      {"duration", whole("P(\\d+W|(\\d+Y(\\d+M(\\d+D)?)?|\\d+M(\\d+D)?|\\d+D)(T" + clock + ")?|T" + clock + ")")},
      {"uuid", whole("[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")},
      {"ipv4", whole(ipv4)},
      {"ipv6", whole(ipv6)},
      {"hostname", whole(host)},
      {"email", whole(email)},
      {"uri", whole(uri)},
      {"uri-reference", whole(uri + "|" + relative)},
      {"json-pointer", whole("(/([^~/]|~[01])*)*")}};
}();

const std::set<std::string_view> kUnsupportedFormats = {
    "idn-email", "idn-hostname", "iri", "iri-reference", "uri-template", "relative-json-pointer", "regex"};

std::string body_of(const std::string& text) {
  const std::string spelled = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  return spelled.substr(1, spelled.size() - 2);
}

std::uint32_t characters(const std::string& text) {
  return static_cast<std::uint32_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

SchemaStrings::Format SchemaStrings::format(std::string_view name) {
  if (kFormats.count(name) > 0) return Format::known;
  return kUnsupportedFormats.count(name) > 0 ? Format::unsupported : Format::unknown;
}

// "^(?!a)(?=b)c" is what matches "^c" and "^(?:b)", and not "^(?:a)".
void SchemaStrings::add_pattern(std::string text, StringShape& shape) {
  while (text.starts_with("^(?!") || text.starts_with("^(?=")) {
    std::size_t end = 4;
    bool in_class = false;
    for (int depth = 1; end < text.size(); ++end) {
      const char c = text[end];
      if (c == '\\') {
        ++end;
      } else if (in_class) {
        in_class = c != ']';
      } else if (c == '[') {
        in_class = true;
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && --depth == 0) {
        break;
      }
    }
    if (end >= text.size()) break;
    const char behind = end + 1 < text.size() ? text[end + 1] : ' ';
    if (behind == '*' || behind == '+' || behind == '?' || behind == '{') break;
    (text[3] == '!' ? shape.not_patterns : shape.patterns).insert("^(?:" + text.substr(4, end - 4) + ")");
    text.erase(1, end);
  }
  shape.patterns.insert(std::move(text));
}

NodeId SchemaStrings::all_chars() { return syntax_.chars(complement({}), true); }

Result<NodeId> SchemaStrings::pattern(const std::string& text) {
  if (const auto known = patterns_.find(text); known != patterns_.end()) return known->second;
  CONTINUO_TRY(const NodeId made, read_json_pattern(text, syntax_));
  return patterns_[text] = made;
}

Result<bool> SchemaStrings::matches(const std::string& text, const std::string& name) {
  const auto known = matches_.find({text, name});
  if (known != matches_.end()) return known->second;
  auto& recognizer = recognizers_[text];
  if (!recognizer) {
    CONTINUO_TRY(const NodeId node, pattern(text));
    CONTINUO_TRY(recognizer, Recognizer::make(syntax_, node));
  }
  return matches_[{text, name}] = recognizer->takes(body_of(name));
}

NodeId SchemaStrings::spelled(const std::set<std::string>& values) {
  std::vector<NodeId> choices;
  for (const std::string& value : values) choices.push_back(syntax_.literal(body_of(value)));
  return syntax_.alt(choices);
}

Result<void> SchemaStrings::add_sets(const StringShape& shape, std::vector<NodeId>& all_of,
                                     std::vector<NodeId>& none_of) {
  std::uint32_t most = kUnbounded;
  if (shape.values) {
    std::set<std::string> fitting;
    for (const std::string& value : *shape.values) {
      const std::uint32_t n = characters(value);
      if (n >= shape.least && n <= shape.most && shape.excluded.count(value) == 0) fitting.insert(value);
    }
    all_of.push_back(spelled(fitting));
    most = 0;  // lengths are seen to
  }
  for (const std::string& text : shape.patterns) {
    CONTINUO_TRY(const NodeId node, pattern(text));
    all_of.push_back(node);
  }
  for (const std::string& name : shape.formats) {
    CONTINUO_TRY(const NodeId node, pattern(kFormats.at(name)));
    all_of.push_back(node);
  }
  for (const std::string& text : shape.not_patterns) {
    CONTINUO_TRY(const NodeId node, pattern(text));
    none_of.push_back(node);
  }
  if (!shape.values && !shape.excluded.empty()) none_of.push_back(spelled(shape.excluded));
  if (most == kUnbounded && (shape.least > 0 || shape.most != kUnbounded))
    all_of.push_back(syntax_.repeat(all_chars(), shape.least, shape.most));
  return {};
}

Result<bool> SchemaStrings::is_empty(const StringShape& shape) {
  if (shape.least > shape.most) return true;
  RegularSets sets;
  CONTINUO_TRY_VOID(add_sets(shape, sets.all_of, sets.none_of));
  if (sets.all_of.empty()) sets.all_of.push_back(any());
  if (sets.all_of.size() + sets.none_of.size() == 1 && !shape.values) return false;
  CONTINUO_TRY(const bool some, has_text(syntax_, sets, budget_));
  return !some;
}

Result<NodeId> SchemaStrings::string(const StringShape& shape) {
  if (shape.least > shape.most) return syntax_.never();
  const bool only_lengths = shape.patterns.empty() && shape.not_patterns.empty() && shape.formats.empty() &&
                            !shape.values && shape.excluded.empty();
  if (only_lengths) return values_.string(shape.least, shape.most);
  RegularSets sets;
  CONTINUO_TRY_VOID(add_sets(shape, sets.all_of, sets.none_of));
  if (sets.all_of.empty()) sets.all_of.push_back(any());
  NodeId body = sets.all_of.front();
  if (sets.all_of.size() + sets.none_of.size() > 1) {
    CONTINUO_TRY(const auto made, combine(syntax_, sets, budget_));
    if (!made) return syntax_.never();
    body = *made;
  }
  return syntax_.seq({syntax_.byte('"'), body, syntax_.byte('"')});
}

Result<std::optional<NodeId>> SchemaStrings::names(NodeId base, const std::vector<StringShape>& shapes,
                                                   const std::vector<std::string>& matched,
                                                   const std::vector<std::string>& unmatched) {
  std::vector<NodeId> choices;
  for (const StringShape& shape : shapes) {
    RegularSets sets{{base}, {}};
    CONTINUO_TRY_VOID(add_sets(shape, sets.all_of, sets.none_of));
    for (const std::string& text : matched) {
      CONTINUO_TRY(const NodeId node, pattern(text));
      sets.all_of.push_back(node);
    }
    for (const std::string& text : unmatched) {
      CONTINUO_TRY(const NodeId node, pattern(text));
      sets.none_of.push_back(node);
    }
    if (sets.all_of.size() + sets.none_of.size() == 1) return std::optional(base);
    CONTINUO_TRY(const auto made, combine(syntax_, sets, budget_));
    if (made) choices.push_back(*made);
  }
  if (choices.empty()) return std::optional<NodeId>();
  return std::optional(syntax_.alt(choices));
}

}  // namespace continuo
