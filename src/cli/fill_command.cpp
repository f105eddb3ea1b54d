// continuo fill [TEXT]: an encoder's guesses for the masked words of a text.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/interrupt.h"
#include "cli/mask_option.h"
#include "cli/print_json.h"
#include "cli/prompt.h"
#include "cli/waiting.h"
#include "generate/encoder.h"
#include "loading/loaded_model.h"
#include "requests/token_ids.h"

namespace continuo {

namespace {

struct Guess {
  TokenId id;
  double logprob;
};
struct FilledMask {
  std::size_t position;
  std::vector<Guess> guesses;  // the likeliest first
};

struct MaskedText {
  std::vector<TokenId> ids;
  TokenId mask = 0;
  std::vector<std::uint8_t> token_types;
};

// `text` with the tokenizer's name of the mask where `typed` stands.
std::string with_own_mask(std::string text, const std::string& typed, std::string_view own) {
  for (std::size_t at = 0; (at = text.find(typed, at)) != std::string::npos; at += own.size()) {
    text.replace(at, typed.size(), own);
  }
  return text;
}

Result<MaskedText> read_masked(const Options& options, const LoadedModel& model, const std::atomic<bool>& interrupted) {
  const Tokenizer* const tokenizer = model.text();
  MaskedText masked;
  CONTINUO_TRY(masked.mask, mask_token(options, model));
  CONTINUO_TRY(std::string text, read_text(options, interrupted));
  if (options.ids) {
    CONTINUO_TRY(masked.ids, parse_ids(text));
    masked.token_types.assign(options.token_types.begin(), options.token_types.end());
  } else {
    if (!options.token_types.empty()) return usage_error("--token-types needs --ids");
    if (!options.fill.mask.empty()) {
      text = with_own_mask(std::move(text), options.fill.mask, tokenizer->piece(masked.mask));
    }
    CONTINUO_TRY(masked.ids, tokenizer->try_encode(text, true));
  }
  if (std::find(masked.ids.begin(), masked.ids.end(), masked.mask) != masked.ids.end()) return masked;
  const std::string name =
      tokenizer ? std::string(tokenizer->piece(masked.mask)) : fmt::format("token {}", masked.mask);
  return usage_error(fmt::format("there is no mask in the text: {} stands for one", name));
}

std::vector<Guess> best_guesses(std::span<const float> logits, std::size_t n) {
  std::vector<TokenId> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto better = [&](TokenId a, TokenId b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
  n = std::min(n, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(), better);
  const double largest = logits[static_cast<std::size_t>(order.front())];
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  std::vector<Guess> guesses;
  for (const TokenId id : std::span(order).first(n)) {
    guesses.push_back({id, logits[static_cast<std::size_t>(id)] - largest - std::log(sum)});
  }
  return guesses;
}

std::vector<std::size_t> positions_of(std::span<const TokenId> ids, TokenId mask) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == mask) positions.push_back(i);
  }
  return positions;
}

// Guesses for all masks at once.
Result<std::vector<FilledMask>> guess(Encoder& encoder, const MaskedText& masked, std::size_t n, const Model& model) {
  const std::vector<std::size_t> positions = positions_of(masked.ids, masked.mask);
  const EncoderText text{masked.ids, masked.token_types, positions};
  const std::span<const float> logits = encoder.logits({&text, 1});
  if (std::any_of(logits.begin(), logits.end(), [](float logit) { return !std::isfinite(logit); })) {
    return model_error(model.name, "a score is not a number", "are the weights damaged?");
  }
  const auto vocab_size = static_cast<std::size_t>(model.spec.vocab_size);
  std::vector<FilledMask> filled;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    filled.push_back({positions[i], best_guesses(logits.subspan(i * vocab_size, vocab_size), n)});
  }
  return filled;
}

// One mask after the other, the surest first.
Result<std::vector<FilledMask>> guess_one_by_one(Encoder& encoder, MaskedText masked, std::size_t n, const Model& model,
                                                 const std::atomic<bool>& interrupted) {
  std::vector<FilledMask> filled;
  for (std::size_t left = positions_of(masked.ids, masked.mask).size(); left > 0; --left) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    CONTINUO_TRY(std::vector<FilledMask> all, guess(encoder, masked, n, model));
    if (all.empty()) break;  // the mask itself was the likeliest piece of the last ones
    const auto surest = std::max_element(all.begin(), all.end(), [](const FilledMask& a, const FilledMask& b) {
      return a.guesses.front().logprob < b.guesses.front().logprob;
    });
    masked.ids[surest->position] = surest->guesses.front().id;
    filled.push_back(std::move(*surest));
  }
  return filled;
}

Answer fill_json(std::span<const FilledMask> filled, const Tokenizer* tokenizer, const std::string& model) {
  Answer masks = Answer::array();
  for (const FilledMask& mask : filled) {
    Answer ids = Answer::array(), pieces = Answer::array(), logprobs = Answer::array();
    for (const Guess& guess : mask.guesses) {
      ids.push_back(guess.id);
      pieces.push_back(piece_name(tokenizer, guess.id));
      logprobs.push_back(guess.logprob);
    }
    masks.push_back({{"position", mask.position}, {"ids", ids}, {"pieces", pieces}, {"logprobs", logprobs}});
  }
  return {{"masks", std::move(masks)}, {"model", model}};
}

std::string fill_text(std::span<const FilledMask> filled, const Tokenizer* tokenizer) {
  std::string out;
  for (const FilledMask& mask : filled) {
    for (const Guess& guess : mask.guesses) {
      out += fmt::format("{}\t{:.6f}\t{}\n", mask.position, std::exp(guess.logprob),
                         escaped(piece_name(tokenizer, guess.id)));
    }
  }
  return out;
}

}  // namespace

Result<void> run_fill(const Options& options) {
  const std::atomic<bool>& interrupted = watch_interrupts();
  const TokenizerUse use = options.ids ? TokenizerUse::if_there : TokenizerUse::required;
  CONTINUO_TRY(const LoadedModel loaded,
               while_waiting(options, "loading the model", [&] { return load(options.model, use); }));
  const Model& model = loaded.network;
  if (!sees_both_sides(model.spec)) {
    return usage_error(
        fmt::format("{} sees the words before each alone ({}) and guesses no masks", loaded.name, model.spec.family),
        "continuo without a command continues a text");
  }
  if (!model.spec.has_output) {
    return usage_error(fmt::format("{} was made without the part that guesses words", loaded.name));
  }
  CONTINUO_TRY(const MaskedText masked, read_masked(options, loaded, interrupted));
  CONTINUO_TRY(Encoder encoder, Encoder::create(model, engine_options(options)));
  CONTINUO_TRY_VOID(encoder.check({masked.ids, masked.token_types}));
  const auto n = static_cast<std::size_t>(options.fill.top);
  CONTINUO_TRY(const std::vector<FilledMask> filled, options.fill.one_by_one
                                                         ? guess_one_by_one(encoder, masked, n, model, interrupted)
                                                         : guess(encoder, masked, n, model));
  if (options.json) return print_json(fill_json(filled, loaded.text(), loaded.name));
  return print(fill_text(filled, loaded.text()));
}

}  // namespace continuo
