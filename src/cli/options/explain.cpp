// The options of `continuo explain`.
#include <algorithm>

#include "cli/option_setters.h"
#include "explain/panels.h"
#include "explain/words.h"

namespace continuo {

namespace {

template <auto Member>
constexpr auto kSetCount = set_number<&Options::explain, Member>;

// "tokens,attention"
Result<void> add_views(const OptionRow& row, Options& options, const std::string& value) {
  std::size_t at = 0;
  do {
    const std::size_t end = std::min(value.find(',', at), value.size());
    const std::string name = value.substr(at, end - at);
    const auto known = explain::panels();
    if (std::ranges::none_of(known, [&](const explain::Panel& panel) { return panel.name == name; })) {
      return usage_error(fmt::format("--view: there is no view '{}'", name), fmt::format("the views: {}", row.choices));
    }
    options.explain.views.push_back(name);
    at = end + 1;
  } while (at <= value.size());
  return {};
}

Result<void> set_language(const OptionRow& row, Options& options, const std::string& value) {
  if (!explain::language_from(value)) return bad_value(row, value);
  options.explain.language = value;
  return {};
}

Result<void> add_dump(const OptionRow&, Options& options, const std::string& value) {
  options.explain.dumps.push_back(value);
  return {};
}

Result<void> set_beside(const OptionRow&, Options& options, const std::string& value) {
  options.explain.beside = value;
  return {};
}

constexpr OptionRow kExplainRows[] = {
    {.name = "view",
     .value = "NAME,...",
     .help = "show only these views",
     .details = "Views appear in the order in which data travels through the network. Only what they need is "
                "computed.",
     .fallback = "all",
     .choices =
         "tokens,embedding,positions,attention,unmasked,memory,stack,routing,lens,loops,exit,attribution,what-if,output,text,"
         "tree,beside,cost",
     .expected = "names of views with commas between",
     .repeatable = true,
     .set = add_views},
    {.name = "layer",
     .value = "L",
     .help = "layer to draw large",
     .details = "Layers count from 0.",
     .fallback = "0",
     .expected = "a whole number >= 0",
     .set = kSetCount<&ExplainOptions::layer>},
    {.name = "head",
     .value = "H",
     .help = "attention head to draw large",
     .details = "Heads count from 0.",
     .fallback = "0",
     .expected = "a whole number >= 0",
     .set = kSetCount<&ExplainOptions::head>},
    {.name = "from",
     .value = "P",
     .help = "first position to draw",
     .details =
         "Positions count from 0. At most 128 tokens are drawn; of a longer text the last ones, unless --from or "
         "--to say otherwise.",
     .fallback = "0, or 128 tokens before the last",
     .expected = "a whole number >= 0",
     .set = kSetCount<&ExplainOptions::from>},
    {.name = "to",
     .value = "Q",
     .help = "last position to draw",
     .details = "Positions count from 0.",
     .fallback = "the end of the text",
     .expected = "a whole number >= 0",
     .set = kSetCount<&ExplainOptions::to>},
    {.name = "beside",
     .value = "TEXT",
     .help = "set another text beside this one",
     .details = "The view beside shows both: the next token, the surprise of each token, the head that is drawn large.",
     .expected = "a text",
     .set = set_beside},
    {.name = "beside-model",
     .value = "MODEL",
     .help = "set another model beside this one",
     .details =
         "The view beside shows both models on the same text (or on that of --beside). One of them may be an encoder: "
         "p(x | all others) beside p(x | left).",
     .expected = "a model, as --model takes it",
     .set = set_text<&Options::explain, &ExplainOptions::beside_model>},
    {.name = "no-mask",
     .help = "draw attention as if tokens could look ahead (the model's cannot)",
     .details = "It shows what the causal mask hides. The model computes nothing differently.",
     .set = turn_on<&Options::explain, &ExplainOptions::no_mask>},
    {.name = "generate",
     .letter = 'n',
     .value = "N",
     .help = "continue the text by N tokens first",
     .details = "The generated tokens are explained like those of the text.",
     .fallback = "0",
     .expected = "a whole number >= 0",
     .set = kSetCount<&ExplainOptions::tokens>},
    {.name = "measure",
     .help = "measure the cost up to 4,096 tokens and leave out every part in turn, however long that takes",
     .details = "By default measuring stops after about 3 seconds, and the view what-if after a fixed number of "
                "operations.",
     .set = turn_on<&Options::explain, &ExplainOptions::measure>},
    {.name = "html",
     .value = "FILE",
     .help = "write one page for a browser",
     .details = "The page is one file and needs no network.",
     .expected = "a file's name",
     .set = set_text<&Options::explain, &ExplainOptions::html>},
    {.name = "svg",
     .value = "FOLDER",
     .help = "write the pictures as files",
     .details = "FOLDER is created if it does not exist.",
     .expected = "a folder's name",
     .set = set_text<&Options::explain, &ExplainOptions::svg>},
    {.name = "dump",
     .value = "WHAT",
     .help = "write a matrix to a .npy file in the current folder",
     .details =
         "WHAT is L.H (attention of layer L, head H), scores.L.H, query.L.H, key.L.H, value.L.H, memory.L.U (the hidden attention of the "
         "recurrent layer L; U counts what the memory view draws), hidden.L (the residual stream after layer "
         "L), hidden.input or logits.",
     .expected = "a matrix's name",
     .repeatable = true,
     .set = add_dump},
    {.name = "json",
     .help = "print every number as one JSON object",
     .details = "src/explain/JSON.md documents it.",
     .set = turn_on<&Options::json>},
    {.name = "lang",
     .value = "LANGUAGE",
     .help = "the language of all texts",
     .details = "en is English, zh-Hant is Traditional Chinese.",
     .fallback = "en",
     .choices = "en,zh-Hant",
     .expected = "en or zh-Hant",
     .set = set_language},
};

}  // namespace

const OptionGroup kExplainOptions{"What to show", kExplainRows};

}  // namespace continuo
