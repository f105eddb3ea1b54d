// continuo imatrix: an importance matrix, which quantize weighs errors by.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/interrupt.h"
#include "cli/prompt.h"
#include "cli/waiting.h"
#include "generate/engine_options.h"
#include "cli/importance_recorder.h"
#include "io/checkpoint.h"
#include "loading/loaded_model.h"
#include "loading/model_source.h"
#include "requests/token_ids.h"

namespace continuo {

namespace {

Result<std::vector<TokenId>> ids_of(const Options& options, const LoadedModel& model,
                                    const std::atomic<bool>& interrupted) {
  CONTINUO_TRY(const std::string text, read_text(options, interrupted));
  if (!options.ids) return encode_prompt(*model.text(), model.network, text);
  CONTINUO_TRY(std::vector<TokenId> ids, parse_ids(text));
  for (const TokenId id : ids) {
    if (id < 0 || id >= model.network.spec.vocab_size)
      return usage_error(fmt::format("token id {} is outside the vocabulary, expected 0 to {}", id,
                                     model.network.spec.vocab_size - 1));
  }
  return ids;
}

// What the text came from, for people.
std::string dataset(const Options& options) { return options.file.empty() ? "text" : options.file; }

}  // namespace

Result<void> run_imatrix(const Options& options) {
  if (options.imatrix.file.empty()) return usage_error("-o FILE is missing", "where the importance matrix goes");
  const std::atomic<bool>& interrupted = watch_interrupts();
  const TokenizerUse use = options.ids ? TokenizerUse::none : TokenizerUse::required;
  CONTINUO_TRY(const LoadedModel model,
               while_waiting(options, "loading the model", [&] { return load(options.model, use); }));
  if (!model.network.storage->is_gguf)
    return model_error(model.name, "is no GGUF file, whose tensors an importance matrix is of",
                       "continuo quantize makes one: --to f16");
  CONTINUO_TRY(const std::vector<TokenId> ids, ids_of(options, model, interrupted));
  if (ids.empty()) return usage_error("there is nothing to read: the text has no tokens");
  const auto chunk = static_cast<std::size_t>(std::min(options.imatrix.chunk, model.network.spec.context_length));
  std::size_t n_chunks = (ids.size() + chunk - 1) / chunk;
  if (options.imatrix.chunks > 0) n_chunks = std::min(n_chunks, static_cast<std::size_t>(options.imatrix.chunks));

  ImportanceRecorder recorder(model.network, threads_of({.threads = options.threads}, model.network));
  Waiting waiting(options, "reading the text");
  for (std::size_t i = 0; i < n_chunks; ++i) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted; no file was written"};
    recorder.read(std::span(ids).subspan(i * chunk, std::min(chunk, ids.size() - i * chunk)));
    waiting.set(i + 1, n_chunks);
  }
  waiting.end();
  CONTINUO_TRY(ImportanceMatrix matrix, recorder.matrix());
  matrix.datasets = {dataset(options)};
  matrix.chunk_count = static_cast<std::uint32_t>(n_chunks);
  matrix.chunk_size = static_cast<std::uint32_t>(chunk);
  CONTINUO_TRY_VOID(write_importance_matrix(matrix, options.imatrix.file));
  spdlog::info("{}: {} tensors, {} tokens in {} chunks", options.imatrix.file, matrix.tensors.size(),
               std::min(ids.size(), n_chunks * chunk), n_chunks);
  return {};
}

}  // namespace continuo
