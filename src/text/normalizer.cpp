#include "text/normalizer.h"

#include "text/part.h"

namespace continuo {

Result<Normalizer> Normalizer::parse(const Json& json, const std::string& file) {
  Normalizer normalizer;
  if (!json.is_null()) CONTINUO_TRY_VOID(normalizer.add(json, file));
  return normalizer;
}

Result<void> Normalizer::add(const Json& json, const std::string& file) {
  CONTINUO_TRY(const Part part, Part::open(json, "normalizer", file));
  if (part.type() == "Sequence") {
    CONTINUO_TRY_VOID(part.only({"normalizers"}));
    CONTINUO_TRY(const Json* list, part.list("normalizers"));
    for (const Json& item : *list)
      CONTINUO_TRY_VOID(add(item, file));
    return {};
  }
  if (part.type() == "Prepend") {
    CONTINUO_TRY_VOID(part.only({"prepend"}));
    CONTINUO_TRY(std::string prefix, part.text("prepend"));
    steps_.push_back(Prepend{std::move(prefix)});
    return {};
  }
  if (part.type() == "Replace") {
    CONTINUO_TRY_VOID(part.only({"pattern", "content"}));
    CONTINUO_TRY(Pattern pattern, Pattern::parse(json.value("pattern", Json()), file, part.name()));
    CONTINUO_TRY(std::string content, part.text("content"));
    steps_.push_back(Replace{std::move(pattern), std::move(content)});
    return {};
  }
  const auto form = unicode_form(part.type());
  if (!form) return part.not_supported();
  CONTINUO_TRY_VOID(part.only({}));
  steps_.push_back(*form);
  return {};
}

std::string Normalizer::apply(std::string_view text) const {
  std::string out(text);
  for (const Step& step : steps_) {
    if (const auto* form = std::get_if<UnicodeForm>(&step)) {
      out = normalize_unicode(std::move(out), *form);
    } else if (const auto* prepend = std::get_if<Prepend>(&step)) {
      if (!out.empty()) out.insert(0, prepend->prefix);
    } else {
      const auto& replace = std::get<Replace>(step);
      out = replace_all(out, replace.pattern, replace.content);
    }
  }
  return out;
}

}  // namespace continuo
