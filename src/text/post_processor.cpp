#include "text/post_processor.h"

#include <fmt/format.h>

#include "base/json.h"

namespace continuo {

Result<PostProcessor> PostProcessor::parse(const Json& json, std::size_t id_count, const std::string& file) {
  PostProcessor processor;
  if (!json.is_null()) CONTINUO_TRY_VOID(processor.add(json, id_count, file));
  return processor;
}

Result<void> PostProcessor::add(const Json& json, std::size_t id_count, const std::string& file) {
  CONTINUO_TRY(const Part part, Part::open(json, "post_processor", file));
  if (part.type() == "Sequence") {
    CONTINUO_TRY_VOID(part.only({"processors"}));
    CONTINUO_TRY(const Json* list, part.list("processors"));
    for (const Json& item : *list) CONTINUO_TRY_VOID(add(item, id_count, file));
    return {};
  }
  if (part.type() == "ByteLevel") {  // it moves positions in the text, which nobody asks for
    return part.only({"add_prefix_space", "trim_offsets", "use_regex"});
  }
  if (part.type() == "TemplateProcessing") return add_template(part, id_count);
  if (part.type() == "BertProcessing" || part.type() == "RobertaProcessing") {
    return add_sentence(part, id_count);
  }
  return part.not_supported();
}

namespace {

// The id of ["[SEP]", 102].
Result<TokenId> named_id(const Part& part, const char* field, std::size_t id_count) {
  CONTINUO_TRY(const Json* pair, part.list(field));
  if (pair->size() != 2 || !pair->at(0).is_string() || !pair->at(1).is_number_unsigned() ||
      pair->at(1).get<std::uint64_t>() >= id_count) {
    return part.error(fmt::format("{} must be a token and its id in the vocabulary", field));
  }
  return pair->at(1).get<TokenId>();
}

}  // namespace

// [CLS] text [SEP]
Result<void> PostProcessor::add_sentence(const Part& part, std::size_t id_count) {
  if (has_template_) return part.error("it is supported only once");
  has_template_ = true;
  // trim_offsets and add_prefix_space are about positions in the text.
  if (part.type() == "RobertaProcessing") {
    CONTINUO_TRY_VOID(part.only({"sep", "cls", "trim_offsets", "add_prefix_space"}));
  } else {
    CONTINUO_TRY_VOID(part.only({"sep", "cls"}));
  }
  CONTINUO_TRY(const TokenId cls, named_id(part, "cls", id_count));
  CONTINUO_TRY(const TokenId sep, named_id(part, "sep", id_count));
  before_.push_back(cls);
  after_.push_back(sep);
  return {};
}

namespace {

// The ids of {"SpecialToken": {"id": NAME}}, which special_tokens explains.
Result<std::vector<TokenId>> special_ids(const Json& item, const Part& part, std::size_t id_count) {
  const auto token = item.find("SpecialToken");
  if (item.size() != 1 || token == item.end() || !token->is_object() || !token->contains("id") ||
      !token->at("id").is_string()) {
    return part.error("an item of single is neither a Sequence nor a SpecialToken with an id");
  }
  const std::string name = token->at("id").get<std::string>();
  const Json known = part.json().value("special_tokens", Json::object());
  if (!known.is_object() || !known.contains(name)) {
    return part.error(fmt::format("single names '{}', which special_tokens lacks", name));
  }
  const Json& entry = known.at(name);
  if (!entry.is_object() || !entry.contains("ids") || !entry.at("ids").is_array()) {
    return part.error(fmt::format("special_tokens '{}' has no list of ids", name));
  }
  std::vector<TokenId> ids;
  for (const Json& id : entry.at("ids")) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= id_count) {
      return part.error(fmt::format("special_tokens '{}' has an id that the vocabulary lacks", name));
    }
    ids.push_back(id.get<TokenId>());
  }
  return ids;
}

}  // namespace

Result<void> PostProcessor::add_template(const Part& part, std::size_t id_count) {
  if (has_template_) return part.error("it is supported only once");
  has_template_ = true;
  CONTINUO_TRY_VOID(part.only({"single", "pair", "special_tokens"}));  // pair: for two texts at once
  CONTINUO_TRY(const Json* list, part.list("single"));
  bool text_seen = false;
  for (const Json& item : *list) {
    if (item.is_object() && item.size() == 1 && item.contains("Sequence")) {
      const Json& sequence = item.at("Sequence");
      const bool is_text = sequence.is_object() && sequence.value("id", Json()) == "A";
      if (!is_text || text_seen) return part.error("single must have the Sequence 'A' once and no other");
      text_seen = true;
      continue;
    }
    if (!item.is_object()) return part.error("an item of single is not a JSON object");
    CONTINUO_TRY(const std::vector<TokenId> ids, special_ids(item, part, id_count));
    std::vector<TokenId>& side = text_seen ? after_ : before_;
    side.insert(side.end(), ids.begin(), ids.end());
  }
  if (!text_seen) return part.error("single must have the Sequence 'A' once and no other");
  return {};
}

std::vector<TokenId> PostProcessor::apply(std::vector<TokenId> ids) const {
  ids.insert(ids.begin(), before_.begin(), before_.end());
  ids.insert(ids.end(), after_.begin(), after_.end());
  return ids;
}

}  // namespace continuo
