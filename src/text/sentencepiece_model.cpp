#include "text/sentencepiece_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"

namespace continuo {

namespace {

std::vector<PieceKind> kinds_of(const SentencePieceModel& model) {
  std::vector<PieceKind> kinds;
  kinds.reserve(model.pieces.size());
  for (const auto& piece : model.pieces) kinds.push_back(piece.kind);
  return kinds;
}

Result<decltype(TokenizerParts::model)> make_model(const SentencePieceModel& model,
                                                   std::shared_ptr<const Vocabulary> vocabulary,
                                                   std::vector<PieceKind> kinds, const std::string& file) {
  using Model = decltype(TokenizerParts::model);
  if (model.type == SentencePieceModel::Type::unigram) {
    std::vector<double> scores;
    for (const auto& piece : model.pieces) scores.push_back(static_cast<double>(piece.score));
    UnigramOptions options{model.unk_id, model.byte_fallback, std::move(kinds)};
    CONTINUO_TRY(Unigram unigram, Unigram::create(std::move(vocabulary), scores, std::move(options), file));
    return Model(std::move(unigram));
  }
  std::vector<float> scores;
  for (const auto& piece : model.pieces) scores.push_back(piece.score);
  ScoreBpeOptions options{std::move(kinds), model.unk_id, model.byte_fallback};
  CONTINUO_TRY(ScoreBpe bpe, ScoreBpe::create(std::move(vocabulary), std::move(scores), std::move(options), file));
  return Model(std::move(bpe));
}

Result<SentencePieceNormalizer> make_normalizer(const SentencePieceModel& model, const std::string& file) {
  SentencePieceNormalizer normalizer{.add_dummy_prefix = model.add_dummy_prefix,
                                     .remove_extra_whitespaces = model.remove_extra_whitespaces,
                                     .escape_whitespaces = model.escape_whitespaces};
  CONTINUO_TRY(normalizer.map, Charsmap::parse(model.precompiled_charsmap, file, "the normalizer"));
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    const auto& piece = model.pieces[id];
    if (piece.kind != PieceKind::user_defined || piece.text.empty()) continue;
    if (!normalizer.untouched.add(piece.text, static_cast<std::int32_t>(id))) {
      return model_error(file, "the user-defined symbols are too many, longer than 1024 bytes, or chosen to collide");
    }
  }
  return normalizer;
}

std::vector<AddedToken> added_tokens(const SentencePieceModel& model) {
  std::vector<AddedToken> added = model.added;
  std::vector<TokenId> ids;
  for (const AddedToken& token : model.added) ids.push_back(token.id);
  std::sort(ids.begin(), ids.end());
  const auto is_there = [&](TokenId id) { return std::binary_search(ids.begin(), ids.end(), id); };
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    const auto& piece = model.pieces[i];
    const bool special = piece.kind == PieceKind::control || piece.kind == PieceKind::unknown;
    const bool symbol = model.symbols_come_first && piece.kind == PieceKind::user_defined;
    const auto id = static_cast<TokenId>(i);
    if ((!special && !symbol) || piece.text.empty() || is_there(id)) continue;
    added.push_back({.id = id, .content = std::string(piece.text), .special = special});
  }
  return added;
}

Result<Decoder> make_decoder(const SentencePieceModel& model, const std::string& file) {
  Json steps = Json::array({{{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}},
                            {{"type", "ByteFallback"}},
                            {{"type", "Fuse"}}});
  if (model.add_dummy_prefix || model.remove_extra_whitespaces) {
    steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1u}, {"stop", 0u}});
  }
  return Decoder::parse({{"type", "Sequence"}, {"decoders", std::move(steps)}}, file);
}

}  // namespace

Result<PostProcessor> frame_prompt(std::optional<TokenId> bos, bool add_bos, std::optional<TokenId> eos, bool add_eos,
                                   const std::string& file) {
  std::vector<TokenId> before, after;
  if (add_bos && !bos) return model_error(file, "a BOS token is to be added, but there is none");
  if (add_eos && !eos) return model_error(file, "an EOS token is to be added, but there is none");
  if (add_bos) before.push_back(*bos);
  if (add_eos) after.push_back(*eos);
  return PostProcessor(std::move(before), std::move(after));
}

Result<TokenizerParts> build_sentencepiece(const SentencePieceModel& model, const std::string& file) {
  auto vocabulary = std::make_shared<Vocabulary>();
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    if (!model.pieces[id].text.empty()) vocabulary->add(model.pieces[id].text, static_cast<TokenId>(id));
  }
  CONTINUO_TRY_VOID(vocabulary->index(file));
  CONTINUO_TRY(auto kind, make_model(model, vocabulary, kinds_of(model), file));
  CONTINUO_TRY(SentencePieceNormalizer step, make_normalizer(model, file));
  Normalizer normalizer(std::move(step));
  CONTINUO_TRY(AddedTokens added, AddedTokens::create(added_tokens(model), *vocabulary, normalizer, file));
  CONTINUO_TRY(PostProcessor post_processor,
               frame_prompt(model.bos_id, model.add_bos, model.eos_id, model.add_eos, file));
  CONTINUO_TRY(Decoder decoder, make_decoder(model, file));
  return TokenizerParts{std::move(added),          std::move(normalizer), PreTokenizer(), std::move(kind),
                        std::move(post_processor), std::move(decoder),    vocabulary};
}

}  // namespace continuo
