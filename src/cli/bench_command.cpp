// continuo bench: how fast the model runs on this machine, and how near that is to what its memory allows.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "cli/bandwidth.h"
#include "cli/bench_kernels.h"
#include "base/printable.h"
#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/load.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/peak.h"
#include "cli/print_json.h"
#include "generate/engine.h"
#include "loading/loaded_model.h"
#include "loading/model_work.h"
#include "requests/json_answer.h"

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
  if (prompt < 1) return usage_error(fmt::format("--prompt-tokens is {}, expected a whole number >= 1", prompt));
  const std::int64_t generated = options.bench_tokens.value_or(std::clamp<std::int64_t>(context - prompt, 2, 128));
  if (generated < 2) return usage_error(fmt::format("--max-tokens is {}, expected a whole number >= 2", generated));
  if (prompt > context - generated) {
    return Error{.kind = ErrorKind::context,
                 .what = fmt::format("{} prompt tokens and {} more exceed the model's context of {}", prompt, generated,
                                     context)};
  }
  return Sizes{static_cast<std::size_t>(prompt), static_cast<std::size_t>(generated)};
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

// What a model's network asks of the machine.
struct Load {
  std::vector<MapGroup> groups;
  double token_bytes = 0;  // of weights
};

// What the machine can do, as far as this load needs it.
class LimitsMeter {
 public:
  LimitsMeter(ThreadPool& threads, const KernelTable& kernels, const Load& load)
      : threads_(threads), kernels_(kernels), memory_(threads, static_cast<std::size_t>(load.token_bytes)) {
    const auto integer = [&](const MapGroup& group) { return group.integer(kernels); };
    integer_ = std::any_of(load.groups.begin(), load.groups.end(), integer);
  }

  MachineLimits once() {
    return {.bandwidth = memory_.once(),
            .fma = measure_peak(threads_, kernels_.peak_fma),
            .int8 = integer_ ? measure_peak(threads_, kernels_.int8->peak) : 0};
  }

 private:
  ThreadPool& threads_;
  const KernelTable& kernels_;
  BandwidthMeter memory_;
  bool integer_ = false;
};

struct PromptWork {
  double operations = 0;     // of all linear maps, for the whole prompt
  double least_seconds = 0;  // at the arithmetic's peaks
};

// The scores are wanted for the last token alone.
PromptWork prompt_work(const std::vector<MapGroup>& groups, const KernelTable& kernels, const MachineLimits& limits,
                       std::size_t tokens) {
  PromptWork work;
  for (const MapGroup& group : groups) {
    const double operations = group.operations() * (group.output ? 1 : static_cast<double>(tokens));
    work.operations += operations;
    work.least_seconds += operations / (group.integer(kernels) ? limits.int8 : limits.fma);
  }
  return work;
}

struct Measured {
  Speeds speeds;
  MachineLimits limits;
  double prompt_operations_per_second = 0, prompt_share = 0, generation_share = 0;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Each figure's median, so that a share is that of the run next to which its limit was measured: what a
// machine that has others to serve can do changes from second to second.
Measured median(const std::vector<Measured>& runs) {
  const auto of = [&](auto figure) {
    std::vector<double> values;
    for (const Measured& run : runs) values.push_back(figure(run));
    return median(std::move(values));
  };
  return {.speeds = {of([](const Measured& m) { return m.speeds.prompt; }),
                     of([](const Measured& m) { return m.speeds.generation; })},
          .limits = {.bandwidth = of([](const Measured& m) { return m.limits.bandwidth; }),
                     .fma = of([](const Measured& m) { return m.limits.fma; }),
                     .int8 = of([](const Measured& m) { return m.limits.int8; })},
          .prompt_operations_per_second = of([](const Measured& m) { return m.prompt_operations_per_second; }),
          .prompt_share = of([](const Measured& m) { return m.prompt_share; }),
          .generation_share = of([](const Measured& m) { return m.generation_share; })};
}

// Runs that are not measured: they bring the weights into memory and see their new layout through, which a
// model is given in its first steps (layers/repacked.h).
Result<void> warm_up(Engine& engine, const Request& request, const std::atomic<bool>& interrupted) {
  CONTINUO_TRY_VOID(run_once(engine, request, interrupted));
  constexpr std::int64_t kSteps = 12;
  const std::int64_t room = static_cast<std::int64_t>(request.prompt.size()) + request.max_tokens - 1;
  Request single = request;
  single.prompt.resize(1);
  single.max_tokens = std::min(kSteps, room);
  for (std::int64_t steps = request.max_tokens; steps < kSteps; steps += single.max_tokens) {
    CONTINUO_TRY_VOID(run_once(engine, single, interrupted));
  }
  return {};
}

// Limits, a run, limits, a run, ...
Result<Measured> measure(Engine& engine, const Request& request, const Load& load, LimitsMeter& meter, int repeat,
                         const std::atomic<bool>& interrupted) {
  CONTINUO_TRY_VOID(warm_up(engine, request, interrupted));
  std::vector<Measured> runs;
  for (int i = 1; i <= repeat; ++i) {
    Measured m{.limits = meter.once()};
    CONTINUO_TRY(m.speeds, run_once(engine, request, interrupted));
    const PromptWork work = prompt_work(load.groups, engine.kernels(), m.limits, request.prompt.size());
    const double prompt_seconds = static_cast<double>(request.prompt.size()) / m.speeds.prompt;
    m.prompt_operations_per_second = work.operations / prompt_seconds;
    m.prompt_share = work.least_seconds / prompt_seconds;
    m.generation_share = m.speeds.generation * load.token_bytes / m.limits.bandwidth;
    spdlog::info("run {}: prompt {:.1f} tokens/s ({:.0f} %), generation {:.1f} tokens/s ({:.0f} %)", i, m.speeds.prompt,
                 100 * m.prompt_share, m.speeds.generation, 100 * m.generation_share);
    runs.push_back(m);
  }
  return median(runs);
}

struct Report {
  std::string model, kernels;
  int threads = 0, repeat = 0;
  Sizes sizes;
  double token_bytes = 0;
  Measured measured;

  double generation_bytes_per_second() const { return measured.speeds.generation * token_bytes; }
};

Answer kernel_json(const KernelSpeed& speed) {
  return {{"maps", speed.group->name()},
          {"tokens", speed.tokens},
          {"gigabytes_per_second", speed.bytes_per_second / 1e9},
          {"gigaoperations_per_second", speed.operations_per_second / 1e9},
          {"share", speed.share}};
}

Answer report_json(const Report& r, const std::vector<KernelSpeed>& kernels) {
  Answer answer{{"model", r.model},
                {"kernels", r.kernels},
                {"threads", r.threads},
                {"repeat", r.repeat},
                {"prompt_tokens", r.sizes.prompt},
                {"prompt_tokens_per_second", r.measured.speeds.prompt},
                {"prompt_gigaoperations_per_second", r.measured.prompt_operations_per_second / 1e9},
                {"prompt_share", r.measured.prompt_share},
                {"generated_tokens", r.sizes.generated},
                {"generated_tokens_per_second", r.measured.speeds.generation},
                {"bytes_per_token", r.token_bytes},
                {"gigabytes_per_second", r.generation_bytes_per_second() / 1e9},
                {"bandwidth_share", r.measured.generation_share},
                {"bandwidth_gigabytes_per_second", r.measured.limits.bandwidth / 1e9},
                {"fma_gigaoperations_per_second", r.measured.limits.fma / 1e9},
                {"int8_gigaoperations_per_second", nullptr}};
  if (r.measured.limits.int8 > 0) answer["int8_gigaoperations_per_second"] = r.measured.limits.int8 / 1e9;
  if (!kernels.empty()) answer["linear_maps"] = Answer::array();
  for (const KernelSpeed& speed : kernels) answer["linear_maps"].push_back(kernel_json(speed));
  return answer;
}

std::string report_text(const Report& r, const std::vector<KernelSpeed>& kernels) {
  std::string out = fmt::format(
      "model       {}\nmachine     {} kernels, {} threads\n"
      "prompt      {:.1f} tokens/s ({} tokens): {:.1f} GOP/s in linear maps, {:.0f} % of the arithmetic's "
      "limit\n"
      "generation  {:.1f} tokens/s ({} tokens): {:.2f} GB/s of weights, {:.0f} % of the memory's limit\n"
      "limits      {:.1f} GB/s of memory, {:.1f} GFLOP/s of multiply-adds",
      r.model, r.kernels, r.threads, r.measured.speeds.prompt, r.sizes.prompt,
      r.measured.prompt_operations_per_second / 1e9, 100 * r.measured.prompt_share, r.measured.speeds.generation,
      r.sizes.generated, r.generation_bytes_per_second() / 1e9, 100 * r.measured.generation_share,
      r.measured.limits.bandwidth / 1e9, r.measured.limits.fma / 1e9);
  if (r.measured.limits.int8 > 0)
    out += fmt::format(", {:.1f} GOP/s of products of bytes", r.measured.limits.int8 / 1e9);
  out += '\n';
  for (const KernelSpeed& speed : kernels) {
    out += fmt::format("{:32} {:4} tokens  {:7.2f} GB/s  {:7.1f} GOP/s  {:3.0f} %\n", speed.group->name(), speed.tokens,
                       speed.bytes_per_second / 1e9, speed.operations_per_second / 1e9, 100 * speed.share);
  }
  return out;
}

}  // namespace

Result<void> run_bench(const Options& options) {
  const std::atomic<bool>& interrupted = watch_interrupts();
  CONTINUO_TRY(const LoadedModel loaded, load(options, TokenizerUse::none));
  const Model& model = loaded.network;
  CONTINUO_TRY(const Sizes sizes, resolve_sizes(options, model.spec.context_length));
  EngineOptions how = engine_options(options);
  how.kernels = options.kernels;
  CONTINUO_TRY(Engine engine, Engine::create(model, nullptr, how));
  const Request request = make_request(sizes, model.spec.vocab_size);

  const KernelTable& kernels = engine.kernels();
  ThreadPool threads(engine.threads(), ThreadPool::Crew::all);
  const Load load{map_groups(model), bytes_per_token(model)};
  Report report{.model = printable(loaded.name),
                .kernels = std::string(kernels.name),
                .threads = engine.threads(),
                .repeat = options.bench_repeat,
                .sizes = sizes,
                .token_bytes = load.token_bytes};
  LimitsMeter meter(threads, kernels, load);
  CONTINUO_TRY(report.measured, measure(engine, request, load, meter, options.bench_repeat, interrupted));

  std::vector<KernelSpeed> each;
  if (options.verbosity > 0) each = bench_kernels(load.groups, kernels, threads, sizes.prompt, report.measured.limits);
  if (options.json) return print_json(report_json(report, each));
  return print(report_text(report, each));
}

}  // namespace continuo
