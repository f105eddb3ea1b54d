// The options of `continuo explain`.
#include <fmt/format.h>

#include "cli/numbers.h"
#include "cli/options.h"
#include "explain/panels.h"
#include "explain/words.h"

namespace continuo {

namespace {

template <auto Member>
Result<void> set_count(Options& options, const std::string& value, std::string_view option) {
  CONTINUO_TRY(options.explain.*Member, parse_number<std::size_t>(value, option, "a whole number >= 0"));
  return {};
}

// "tokens,attention"
Result<void> add_views(Options& options, const std::string& value) {
  for (std::size_t at = 0; at <= value.size();) {
    const std::size_t end = std::min(value.find(',', at), value.size());
    const std::string name = value.substr(at, end - at);
    std::string known;
    bool found = false;
    for (const explain::Panel& panel : explain::panels()) {
      found = found || panel.name == name;
      known += fmt::format("{}{}", known.empty() ? "" : ", ", panel.name);
    }
    if (!found) return usage_error(fmt::format("--view: there is no view '{}'", name), "the views: " + known);
    options.explain.views.push_back(name);
    at = end + 1;
  }
  return {};
}

Result<void> set_language(Options& options, const std::string& value) {
  if (!explain::language_from(value))
    return usage_error(fmt::format("--lang is '{}', expected en or zh-Hant", value));
  options.explain.language = value;
  return {};
}

Result<void> set_path(std::string& into, const std::string& value, std::string_view option) {
  if (value.empty()) return usage_error(fmt::format("{} is empty, expected a name", option));
  into = value;
  return {};
}

constexpr Flag kExplainRows[] = {
    {"view", 0, "NAME,...", "these views only, in the terminal, the page and the pictures", add_views},
    {"layer", 0, "L", "the layer and ...",
     [](Options& o, const std::string& v) { return set_count<&ExplainOptions::layer>(o, v, "--layer"); }},
    {"head", 0, "H", "... head that is drawn large; default 0 and 0",
     [](Options& o, const std::string& v) { return set_count<&ExplainOptions::head>(o, v, "--head"); }},
    {"from", 0, "P", "draw the tokens from position P ...",
     [](Options& o, const std::string& v) { return set_count<&ExplainOptions::from>(o, v, "--from"); }},
    {"to", 0, "Q", "... to position Q; default: the whole text",
     [](Options& o, const std::string& v) { return set_count<&ExplainOptions::to>(o, v, "--to"); }},
    {"no-mask", 0, "", "attention as if it could look ahead, too (the model cannot)",
     [](Options& o, const std::string&) -> Result<void> {
       o.explain.no_mask = true;
       return {};
     }},
    {"generate", 'n', "N", "go on by N tokens first; default 0",
     [](Options& o, const std::string& v) { return set_count<&ExplainOptions::tokens>(o, v, "--generate"); }},
    {"measure", 0, "", "the cost's curve up to 4,096 tokens, however long that takes",
     [](Options& o, const std::string&) -> Result<void> {
       o.explain.measure = true;
       return {};
     }},
    {"html", 0, "FILE", "one page that needs nothing else, for any browser",
     [](Options& o, const std::string& v) { return set_path(o.explain.html, v, "--html"); }},
    {"svg", 0, "FOLDER", "the pictures as files",
     [](Options& o, const std::string& v) { return set_path(o.explain.svg, v, "--svg"); }},
    {"dump", 0, "WHAT",
     "as a .npy file here: L.H (attention.L.H.npy), scores.L.H, hidden.L\n"
     "(the residual stream after layer L; hidden.input), logits; repeatable",
     [](Options& o, const std::string& v) -> Result<void> {
       o.explain.dumps.push_back(v);
       return {};
     }},
    {"json", 0, "", "every number, as one object (src/explain/JSON.md)",
     [](Options& o, const std::string&) -> Result<void> {
       o.json = true;
       return {};
     }},
    {"lang", 0, "en|zh-Hant", "the language of all texts; default en", set_language},
};

}  // namespace

const FlagGroup kExplainFlags{"What to show", kExplainRows};

}  // namespace continuo
