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
  return try_encode(text, {}, add_special);
}

Result<std::vector<TokenId>> Tokenizer::try_encode(std::string_view text, const PlainText& plain,
                                                   bool add_special) const {
  try {
    std::vector<TokenId> ids = impl_->encode(text, plain);
    return add_special ? impl_->post_processor.apply(std::move(ids)) : ids;
  } catch (const TextFault& fault) {
    return model_error(impl_->vocabulary->file(), fault.what, "the text cannot be cut into tokens");
  }
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool add_special) const {
  return try_encode(text, add_special).value();
}

std::size_t Tokenizer::special_before() const { return impl_->post_processor.count_before(); }

namespace {

// What is plain of a part of a text, as places in it.
PlainText within(const PlainText& plain, std::size_t begin, std::size_t end) {
  PlainText inside{.control = plain.control};
  auto range = std::partition_point(plain.ranges.begin(), plain.ranges.end(),
                                    [&](const PlainRange& r) { return r.end <= begin; });
  for (; range != plain.ranges.end() && range->begin < end; ++range)
    inside.ranges.push_back({std::max(range->begin, begin) - begin, std::min(range->end, end) - begin});
  return inside;
}

PlainText all_of(std::string_view text, const PlainText& plain) {
  return {.ranges = {{0, text.size()}}, .control = plain.control};
}

// Calls visit(part, whether it is plain) for each part of a text in turn.
void each_run(std::string_view text, const PlainText& plain, auto visit) {
  std::size_t at = 0;
  for (const PlainRange& range : plain.ranges) {
    if (range.begin > at) visit(text.substr(at, range.begin - at), false);
    visit(text.substr(range.begin, range.end - range.begin), true);
    at = range.end;
  }
  if (at < text.size()) visit(text.substr(at), false);
}

}  // namespace

std::vector<TokenId> TokenizerParts::encode(std::string_view text, const PlainText& plain) const {
  const auto encode_with = [&]<class Model>(const Model& kind) {
    Encoding<Model> encoding{.model = kind, .work = TextWork(text.size())};
    encoding.ids.reserve(text.size() / 4);
    encoding.checks_normalized = !plain.ranges.empty() && added.has_normalized(plain);
    for (const TextPart& part : added.split(text, plain)) {
      if (part.token) {
        encoding.ids.push_back(part.token->id);
      } else {
        const auto begin = static_cast<std::size_t>(part.text.data() - text.data());
        encode_part(part.text, within(plain, begin, begin + part.text.size()), begin == 0, encoding);
      }
    }
    return std::move(encoding.ids);
  };
  return std::visit(encode_with, model);
}

// Tokens that are looked for in normalized text cannot be told apart there by where they come from. Where the parts that
// are not plain alone have as many forbidden ones as the whole text, they are theirs; else all parts are encoded one by
// one.
template <class Model>
void TokenizerParts::encode_part(std::string_view text, const PlainText& plain, bool at_text_start,
                                 Encoding<Model>& encoding) const {
  if (plain.ranges.empty() || normalizer.empty()) return encode_marked(text, plain, at_text_start, encoding);
  if (!encoding.checks_normalized) return encode_marked(text, all_of(text, plain), at_text_start, encoding);
  const auto forbidden_in = [&](std::string_view run) {
    const std::string changed = normalizer.apply(run, encoding.work);
    const auto parts = added.split_normalized(changed);
    return std::ranges::count_if(parts, [&](const TextPart& p) { return p.token && is_forbidden(*p.token, plain); });
  };
  std::ptrdiff_t elsewhere = 0, in_plain = 0;
  each_run(text, plain,
           [&](std::string_view run, bool is_plain) { (is_plain ? in_plain : elsewhere) += forbidden_in(run); });
  if (in_plain == 0 && forbidden_in(text) == elsewhere) return encode_marked(text, {}, at_text_start, encoding);
  each_run(text, plain, [&](std::string_view run, bool is_plain) {
    encode_marked(run, is_plain ? all_of(run, plain) : PlainText(), at_text_start && run.data() == text.data(),
                  encoding);
  });
}

template <class Model>
void TokenizerParts::encode_marked(std::string_view text, const PlainText& plain, bool at_text_start,
                                   Encoding<Model>& encoding) const {
  std::string changed;
  std::size_t from_first = at_text_start && !text.empty() ? utf8_at(text, 0).size : 0;
  PlainText marks = plain;
  if (!normalizer.empty()) {
    changed = pre_tokenizer.asks_for_first() ? normalizer.apply(text, from_first, encoding.work)
                                             : normalizer.apply(text, encoding.work);
    text = changed;
    if (!plain.ranges.empty()) marks = all_of(text, plain);
  }
  for (const TextPart& part : added.split_normalized(text, marks)) {
    if (part.token) {
      encoding.ids.push_back(part.token->id);
      continue;
    }
    const auto before = static_cast<std::size_t>(part.text.data() - text.data());
    const std::size_t first = from_first - std::min(from_first, before);
    const std::size_t known = encoding.ids.size();
    encode_normalized(part.text, {}, first, encoding);
    if (marks.ranges.empty()) continue;
    // Some models find the pieces of special tokens by themselves.
    std::vector<std::size_t> cuts;
    for (;;) {
      const auto more = cuts_in_forbidden(part.text, std::span(encoding.ids).subspan(known), plain);
      const std::size_t count = cuts.size();
      cuts.insert(cuts.end(), more.begin(), more.end());
      std::sort(cuts.begin(), cuts.end());
      cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
      if (cuts.size() == count) break;
      encoding.ids.resize(known);
      encode_normalized(part.text, cuts, first, encoding);
    }
  }
}

template <class Model>
void TokenizerParts::encode_normalized(std::string_view text, std::span<const std::size_t> cuts, std::size_t from_first,
                                       Encoding<Model>& encoding) const {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : text.size();
    pre_tokenizer.each_piece(
        text.substr(begin, end - begin), from_first - std::min(from_first, begin), encoding.work,
        [&](std::string_view piece) { encoding.model.encode(piece, encoding.scratch, encoding.ids); });
    begin = end;
  }
}

// A place inside each occurrence of those forbidden tokens among `ids` that are written out in `text`.
std::vector<std::size_t> TokenizerParts::cuts_in_forbidden(std::string_view text, std::span<const TokenId> ids,
                                                           const PlainText& plain) const {
  std::vector<std::size_t> cuts;
  std::vector<const AddedToken*> seen;
  for (const TokenId id : ids) {
    const AddedToken* const token = added.find(id);
    if (!token || !is_forbidden(*token, plain) || std::ranges::find(seen, token) != seen.end()) continue;
    seen.push_back(token);
    const std::string_view content = token->normalized_content;
    const std::size_t first = utf8_at(content, 0).size;
    if (first == content.size()) continue;  // a single character
    for (std::size_t at = text.find(content); at != text.npos; at = text.find(content, at + 1))
      cuts.push_back(at + first);
  }
  return cuts;
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
