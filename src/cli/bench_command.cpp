// continuo bench: how fast the model runs on this machine, and how near that is to what its memory allows.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "cli/bandwidth.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json_answer.h"
#include "cli/model_source.h"
#include "cli/output.h"
#include "generate/engine.h"

namespace continuo {

namespace {

using Clock = std::chrono::steady_clock;

struct Sizes {
  std::size_t prompt = 0;
  std::size_t generated = 0;
};

struct Speeds {
  double prompt = 0;  // tokens per second
  double generation = 0;
};

Result<Sizes> resolve_sizes(const Options& options, std::int64_t context) {
  const std::int64_t prompt = options.bench_prompt.value_or(std::clamp<std::int64_t>(context / 2, 1, 512));
  if (prompt < 1)
    return usage_error(fmt::format("--prompt-tokens is {}, expected a whole number >= 1", prompt));
  const std::int64_t generated =
      options.bench_tokens.value_or(std::clamp<std::int64_t>(context - prompt, 2, 128));
  if (generated < 2)
    return usage_error(fmt::format("--max-tokens is {}, expected a whole number >= 2", generated));
  if (prompt > context - generated) {
    return Error{.kind = ErrorKind::context,
                 .what = fmt::format("{} prompt tokens and {} more exceed the model's context of {}", prompt,
                                     generated, context)};
  }
  return Sizes{static_cast<std::size_t>(prompt), static_cast<std::size_t>(generated)};
}

// Stored bytes that a step of one token reads: of the embedding and of learned positions it reads a row.
std::size_t bytes_per_token(const Model& model) {
  const auto table_bytes = [](const Matrix& table) {
    return stored_bytes(table.format, table.rows * table.cols);
  };
  std::size_t bytes = model.weight_bytes;
  if (!model.spec.tied_output) bytes -= table_bytes(model.weights.embedding);
  if (model.weights.learned_positions.data) bytes -= table_bytes(model.weights.learned_positions);
  return bytes;
}

// A prompt of ids all over the vocabulary.
Request make_request(const Sizes& sizes, int vocab_size) {
  Request request{.max_tokens = static_cast<std::int64_t>(sizes.generated), .ignore_eos = true};
  request.sampling.temperature = 0;
  for (std::size_t i = 0; i < sizes.prompt; ++i) {
    request.prompt.push_back(static_cast<TokenId>((i * 7919 + 1) % static_cast<std::size_t>(vocab_size)));
  }
  return request;
}

Result<Speeds> run_once(Engine& engine, const Request& request, const std::atomic<bool>& interrupted) {
  const auto start = Clock::now();
  Clock::time_point first = start, last = start;
  const auto sink = [&](std::string_view, const GeneratedToken&) {
    last = Clock::now();
    if (first == start) first = last;
    return true;
  };
  CONTINUO_TRY(const Completion completion, engine.complete(request, sink, interrupted));
  if (completion.finish == FinishReason::interrupted) {
    return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
  }
  const std::chrono::duration<double> prompt = first - start, generation = last - first;
  return Speeds{static_cast<double>(request.prompt.size()) / prompt.count(),
                static_cast<double>(completion.tokens.size() - 1) / generation.count()};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Result<Speeds> median_run(Engine& engine, const Request& request, int repeat,
                          const std::atomic<bool>& interrupted) {
  std::vector<double> prompt, generation;
  for (int i = -1; i < repeat; ++i) {  // the first, which brings the weights into memory, does not count
    CONTINUO_TRY(const Speeds speeds, run_once(engine, request, interrupted));
    if (i < 0) continue;
    prompt.push_back(speeds.prompt);
    generation.push_back(speeds.generation);
    spdlog::info("run {}: prompt {:.1f}, generation {:.1f} tokens/s", i + 1, speeds.prompt,
                 speeds.generation);
  }
  return Speeds{median(std::move(prompt)), median(std::move(generation))};
}

}  // namespace

Result<void> run_bench(const Options& options) {
  const std::atomic<bool>& interrupted = watch_interrupts();
  CONTINUO_TRY(const ModelFiles files, find_model(options.model));
  CONTINUO_TRY(const Model model, load_model(files));
  CONTINUO_TRY(const Sizes sizes, resolve_sizes(options, model.spec.context_length));
  CONTINUO_TRY(Engine engine, Engine::create(model, nullptr, {.threads = options.threads}));
  const Request request = make_request(sizes, model.spec.vocab_size);
  CONTINUO_TRY(const Speeds speeds, median_run(engine, request, options.bench_repeat, interrupted));

  ThreadPool threads(engine.threads());
  const std::size_t token_bytes = bytes_per_token(model);
  const Bandwidth bandwidth = measure_bandwidth(threads, token_bytes);
  const double bytes_per_second = speeds.generation * static_cast<double>(token_bytes);
  const double share = bytes_per_second / bandwidth.bytes_per_second;
  if (options.json) {
    return print_json({{"model", files.name()},
                       {"kernels", engine.kernels()},
                       {"threads", engine.threads()},
                       {"repeat", options.bench_repeat},
                       {"prompt_tokens", sizes.prompt},
                       {"prompt_tokens_per_second", speeds.prompt},
                       {"generated_tokens", sizes.generated},
                       {"generated_tokens_per_second", speeds.generation},
                       {"bytes_per_token", token_bytes},
                       {"gigabytes_per_second", bytes_per_second / 1e9},
                       {"bandwidth_gigabytes_per_second", bandwidth.bytes_per_second / 1e9},
                       {"bandwidth_buffer_bytes", bandwidth.buffer_bytes},
                       {"bandwidth_share", share}});
  }
  return print(fmt::format(
      "model       {}\nmachine     {} kernels, {} threads\n"
      "prompt      {:.1f} tokens/s ({} tokens)\n"
      "generation  {:.1f} tokens/s ({} tokens)\n"
      "weights     {:.2f} GB/s ({} bytes a token)\n"
      "memory      {:.2f} GB/s read by as many threads; generation uses {:.0f} %\n",
      files.name(), engine.kernels(), engine.threads(), speeds.prompt, sizes.prompt, speeds.generation,
      sizes.generated, bytes_per_second / 1e9, token_bytes, bandwidth.bytes_per_second / 1e9, 100 * share));
}

}  // namespace continuo
