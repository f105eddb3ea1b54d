#include "text/bert_chars.h"

#include "text/character_tables.h"

namespace continuo {

bool is_bert_punctuation(char32_t code) { return find_range(tables::kPunctuation, code) != nullptr; }
bool is_bert_control(char32_t code) { return find_range(tables::kControl, code) != nullptr; }
bool is_bert_accent(char32_t code) {
  return code >= tables::kAccents[0].first && find_range(tables::kAccents, code) != nullptr;
}
bool is_bert_ideograph(char32_t code) {
  return code >= tables::kIdeographs[0].first && find_range(tables::kIdeographs, code) != nullptr;
}

}  // namespace continuo
