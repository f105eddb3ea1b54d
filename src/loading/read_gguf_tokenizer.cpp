#include "loading/gguf_tokenizer.h"
#include "text/gguf_vocabulary.h"

namespace continuo {

namespace {

Result<std::span<const std::uint8_t>> byte_array(const GgufFile& file, std::string_view key) {
  CONTINUO_TRY(const GgufArray* array, file.array(key));
  if (!array) return std::span<const std::uint8_t>{};
  if (array->type != GgufType::u8 && array->type != GgufType::i8) {
    return model_error(file.name(), "'" + std::string(key) + "' does not hold bytes");
  }
  return std::span(reinterpret_cast<const std::uint8_t*>(array->numbers.data()), array->numbers.size());
}

}  // namespace

bool has_gguf_tokenizer(const GgufFile& file) {
  const auto model = file.text("tokenizer.ggml.model");
  return model && *model && **model != "none" && **model != "no_vocab";
}

Result<Tokenizer> read_gguf_tokenizer(const GgufFile& file) {
  GgufVocabulary vocabulary;
  CONTINUO_TRY(const auto model, file.text("tokenizer.ggml.model"));
  if (!has_gguf_tokenizer(file))
    return model_error(file.name(), "the file holds no vocabulary", "give token ids with --ids");
  vocabulary.model = *model;
  CONTINUO_TRY(const auto pre, file.text("tokenizer.ggml.pre"));
  if (pre) vocabulary.pre = *pre;
  CONTINUO_TRY(vocabulary.tokens, file.texts("tokenizer.ggml.tokens"));
  CONTINUO_TRY(vocabulary.merges, file.texts("tokenizer.ggml.merges"));
  CONTINUO_TRY(const std::vector<float> scores, gguf_floats(file, "tokenizer.ggml.scores"));
  vocabulary.scores = scores;
  CONTINUO_TRY(const std::vector<std::int32_t> types, gguf_ints(file, "tokenizer.ggml.token_type"));
  vocabulary.token_types = types;
  CONTINUO_TRY(vocabulary.bos_token_id, file.whole("tokenizer.ggml.bos_token_id"));
  CONTINUO_TRY(vocabulary.eos_token_id, file.whole("tokenizer.ggml.eos_token_id"));
  CONTINUO_TRY(vocabulary.unknown_token_id, file.whole("tokenizer.ggml.unknown_token_id"));
  CONTINUO_TRY(vocabulary.cls_token_id, file.whole("tokenizer.ggml.cls_token_id"));
  CONTINUO_TRY(vocabulary.separator_token_id,
               file.whole("tokenizer.ggml.seperator_token_id"));  // its spelling
  CONTINUO_TRY(vocabulary.lowercase, file.flag("tokenizer.ggml.normalizer.lowercase"));
  CONTINUO_TRY(vocabulary.strip_accents, file.flag("tokenizer.ggml.normalizer.strip_accents"));
  CONTINUO_TRY(vocabulary.add_bos_token, file.flag("tokenizer.ggml.add_bos_token"));
  CONTINUO_TRY(vocabulary.add_eos_token, file.flag("tokenizer.ggml.add_eos_token"));
  CONTINUO_TRY(vocabulary.add_space_prefix, file.flag("tokenizer.ggml.add_space_prefix"));
  CONTINUO_TRY(vocabulary.remove_extra_whitespaces, file.flag("tokenizer.ggml.remove_extra_whitespaces"));
  CONTINUO_TRY(vocabulary.precompiled_charsmap, byte_array(file, "tokenizer.ggml.precompiled_charsmap"));
  return tokenizer_from_gguf(vocabulary, file.name());
}

}  // namespace continuo
