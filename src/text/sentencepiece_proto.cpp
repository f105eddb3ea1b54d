// tokenizer.model: SentencePiece's ModelProto (sentencepiece_model.proto of its release 0.2), read by hand.
#include <fmt/format.h>

#include "text/protobuf.h"
#include "text/sentencepiece_model.h"
#include "text/utf8.h"

namespace continuo {

namespace {

class ModelReader {
 public:
  ModelReader(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  Result<SentencePieceModel> read() {
    if (bytes_.size() > kMaxVocabularyBytes) return model_error(file_, "it is larger than 1 GiB");
    ProtobufReader reader(bytes_, file_);
    CONTINUO_TRY_VOID(each(reader, [&](const ProtobufField& field) -> Result<void> {
      if (field.number < 1 || field.number > 5) return {};
      if (!field.is_bytes) return refuse(fmt::format("field {} is not a message", field.number));
      if (field.number == 1) return read_piece(reader.inside(field));
      if (field.number == 2) return read_trainer(reader.inside(field));
      if (field.number == 3) return read_normalizer(reader.inside(field));
      if (field.number == 5) return read_denormalizer(reader.inside(field));
      return {};  // 4: SentencePiece's own tests
    }));
    return finish();
  }

 private:
  Error refuse(std::string what) const { return model_error(file_, std::move(what)); }

  template <class Visit>
  static Result<void> each(ProtobufReader& reader, Visit visit) {
    for (;;) {
      CONTINUO_TRY(const std::optional<ProtobufField> field, reader.next());
      if (!field) return {};
      CONTINUO_TRY_VOID(visit(*field));
    }
  }

  // 1: text, 2: score, 3: kind
  Result<void> read_piece(ProtobufReader reader) {
    SentencePieceModel::Piece piece;
    const std::size_t id = model_.pieces.size();
    if (id > static_cast<std::size_t>(kMaxTokenId)) return refuse("it has too many pieces");
    CONTINUO_TRY_VOID(each(reader, [&](const ProtobufField& field) -> Result<void> {
      if (field.number == 1) piece.text = field.bytes;
      if (field.number == 2) piece.score = field.as_float();
      if (field.number != 3) return {};
      const auto kind = piece_kind(field.value > 6 ? 0 : static_cast<std::int64_t>(field.value));
      if (!kind) return refuse(fmt::format("piece {} is of a kind that is not known, {}", id, field.value));
      piece.kind = *kind;
      return {};
    }));
    if (piece.text.empty()) return refuse(fmt::format("piece {} is empty", id));
    if (valid_utf8_prefix(piece.text) != piece.text.size()) {
      return refuse(fmt::format("piece {} is not valid UTF-8", id));
    }
    model_.pieces.push_back(piece);
    return {};
  }

  Result<void> read_trainer(ProtobufReader reader) {
    return each(reader, [&](const ProtobufField& field) -> Result<void> {
      const auto id = static_cast<std::int64_t>(field.value);
      if (field.number == 3) return read_type(field.value);
      if (field.number == 24 && field.as_bool()) return refuse("treat_whitespace_as_suffix is not supported");
      if (field.number == 35) model_.byte_fallback = field.as_bool();
      if (field.number == 41) bos_ = id;
      if (field.number == 42) eos_ = id;
      return {};
    });
  }

  Result<void> read_type(std::uint64_t type) {
    if (type == 1 || type == 2) {
      model_.type = type == 1 ? SentencePieceModel::Type::unigram : SentencePieceModel::Type::bpe;
      return {};
    }
    const std::string name = type == 3 ? "'word'" : type == 4 ? "'char'" : std::to_string(type);
    return refuse(fmt::format("a model of type {} is not supported", name));
  }

  Result<void> read_normalizer(ProtobufReader reader) {
    return each(reader, [&](const ProtobufField& field) -> Result<void> {
      if (field.number == 2) model_.precompiled_charsmap = field.bytes;
      if (field.number == 3) model_.add_dummy_prefix = field.as_bool();
      if (field.number == 4) model_.remove_extra_whitespaces = field.as_bool();
      if (field.number == 5) model_.escape_whitespaces = field.as_bool();
      return {};
    });
  }

  Result<void> read_denormalizer(ProtobufReader reader) {
    return each(reader, [&](const ProtobufField& field) -> Result<void> {
      if (field.number == 2 && !field.bytes.empty()) return refuse("a denormalizer is not supported");
      return {};
    });
  }

  Result<SentencePieceModel> finish() {
    if (model_.pieces.empty()) return refuse("it has no pieces (is this a SentencePiece model?)");
    for (std::size_t id = 0; id < model_.pieces.size(); ++id) {
      if (model_.pieces[id].kind != PieceKind::unknown) continue;
      if (model_.unk_id) return refuse(fmt::format("pieces {} and {} are both unknown", *model_.unk_id, id));
      model_.unk_id = static_cast<TokenId>(id);
    }
    if (!model_.unk_id) return refuse("no piece is of the kind 'unknown'");
    model_.bos_id = control(bos_);
    model_.eos_id = control(eos_);
    return std::move(model_);
  }

  // -1, and ids that are something else, mean that there is no such token.
  std::optional<TokenId> control(std::int64_t id) const {
    if (id < 0 || id >= static_cast<std::int64_t>(model_.pieces.size())) return std::nullopt;
    if (model_.pieces[static_cast<std::size_t>(id)].kind != PieceKind::control) return std::nullopt;
    return static_cast<TokenId>(id);
  }

  std::string_view bytes_;
  const std::string& file_;
  SentencePieceModel model_;
  std::int64_t bos_ = 1, eos_ = 2;  // as in the format
};

}  // namespace

Result<SentencePieceModel> parse_sentencepiece(std::string_view bytes, const std::string& file) {
  return ModelReader(bytes, file).read();
}

}  // namespace continuo
