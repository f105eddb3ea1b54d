#include "text/tokenizer.h"

#include <algorithm>

#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace continuo {

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer make_tokenizer(TokenizerParts parts) {
  return Tokenizer(std::make_unique<Tokenizer::Impl>(Tokenizer::Impl{std::move(parts)}));
}

Result<std::vector<TokenId>> Tokenizer::try_encode(std::string_view text, bool add_special) const {
  try {
    std::vector<TokenId> ids = impl_->encode(text);
    return add_special ? impl_->post_processor.apply(std::move(ids)) : ids;
  } catch (const TextFault& fault) {
    return model_error(impl_->vocabulary->file(), fault.what, "the text cannot be cut into tokens");
  }
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool add_special) const {
  return try_encode(text, add_special).value();
}

std::size_t Tokenizer::special_before() const { return impl_->post_processor.count_before(); }

std::vector<TokenId> TokenizerParts::encode(std::string_view text) const {
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 4);
  TextWork work(text.size());
  const auto encode_with = [&]<class Model>(const Model& kind) {
    typename Model::Scratch scratch;
    for (const TextPart& part : added.split(text)) {
      if (part.token) {
        ids.push_back(part.token->id);
      } else {
        encode_part(kind, part.text, part.text.data() == text.data(), scratch, work, ids);
      }
    }
  };
  std::visit(encode_with, model);
  return ids;
}

template <class Model>
void TokenizerParts::encode_part(const Model& kind, std::string_view text, bool at_text_start,
                                 typename Model::Scratch& scratch, TextWork& work, std::vector<TokenId>& out) const {
  std::string changed;
  std::size_t from_first = at_text_start && !text.empty() ? utf8_at(text, 0).size : 0;
  if (!normalizer.empty()) {
    changed = pre_tokenizer.asks_for_first() ? normalizer.apply(text, from_first, work) : normalizer.apply(text, work);
    text = changed;
  }
  for (const TextPart& part : added.split_normalized(text)) {
    if (part.token) {
      out.push_back(part.token->id);
      continue;
    }
    const auto before = static_cast<std::size_t>(part.text.data() - text.data());
    pre_tokenizer.each_piece(part.text, from_first - std::min(from_first, before), work,
                             [&](std::string_view piece) { kind.encode(piece, scratch, out); });
  }
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skip_special) const {
  std::string out;
  bool at_text_start = true;
  for (const TokenId id : ids) impl_->decode_one(id, skip_special, at_text_start, out);
  return out;
}

std::string Tokenizer::bytes_of(TokenId id) const {
  std::string out;
  bool at_text_start = false;
  impl_->decode_one(id, true, at_text_start, out);
  return out;
}

void TokenizerParts::decode_one(TokenId id, bool skip_special, bool& at_text_start, std::string& out) const {
  const AddedToken* token = added.find(id);
  if (token && token->special && skip_special) return;
  const std::string_view piece = token ? token->normalized_content : vocabulary->piece(id);
  if (!piece.empty()) decoder.append(piece, token != nullptr, at_text_start, out);
}

std::size_t Tokenizer::vocab_size() const { return std::max(impl_->vocabulary->id_count(), impl_->added.id_count()); }

std::string_view Tokenizer::piece(TokenId id) const {
  const AddedToken* token = impl_->added.find(id);
  return token ? std::string_view(token->content) : impl_->vocabulary->piece(id);
}

std::optional<TokenId> Tokenizer::find(std::string_view piece) const {
  if (const AddedToken* token = impl_->added.find(piece)) return token->id;
  return impl_->vocabulary->find(piece);
}

bool Tokenizer::is_special(TokenId id) const {
  const AddedToken* token = impl_->added.find(id);
  return token && token->special;
}

}  // namespace continuo
