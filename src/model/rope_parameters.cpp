#include "model/rope_parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace continuo {

namespace {

// Where a scaling's values come from: its section, and the file's top level for what may stand there instead.
struct Source {
  const HyperParameters& top;
  const HyperParameters& section;
  int head_dim;
  int context_length;
  double theta = 10000;
};

// A value that may stand in the section or beside it; an error if both are there and differ.
Result<double> either(const Source& source, std::string_view name, double fallback,
                      const NumberRange& range) {
  CONTINUO_TRY(const double outside, source.top.number_or(name, fallback, range));
  CONTINUO_TRY(const double inside, source.section.number_or(name, outside, range));
  CONTINUO_TRY(const bool is_outside, source.top.has(name));
  if (is_outside && inside != outside) {
    return source.section.wrong(name, fmt::format("{}, as at the file's top level", outside));
  }
  return inside;
}

Result<double> original_context(const Source& source) {
  return either(source, "original_context", source.context_length, kFromOne);
}

Result<RopeScaling> no_scaling(const Source& source) {
  CONTINUO_TRY(const double factor, source.section.number_or("rope_factor", 1, kFromOne));
  if (factor != 1) return source.section.wrong("rope_factor", "a rope_type that uses it");
  return RopeScaling{};
}

Result<RopeScaling> linear(const Source& source) {
  RopeLinear scaling;
  CONTINUO_TRY(scaling.factor, source.section.number("rope_factor", kFromOne));
  return RopeScaling{scaling};
}

Result<RopeScaling> dynamic(const Source& source) {
  RopeDynamic scaling;
  CONTINUO_TRY(scaling.factor, source.section.number("rope_factor", kFromOne));
  scaling.original_context = source.context_length;
  if (source.head_dim < 4) {  // theta grows with the exponent dim / (dim - 2)
    return source.section.wrong("rope_type", fmt::format("another for heads of {} values", source.head_dim));
  }
  return RopeScaling{scaling};
}

Result<RopeScaling> llama3(const Source& source) {
  RopeLlama3 scaling;
  CONTINUO_TRY(scaling.factor, source.section.number("rope_factor", kFromOne));
  CONTINUO_TRY(scaling.low_freq_factor, source.section.number("low_freq_factor", kAboveZero));
  CONTINUO_TRY(scaling.high_freq_factor, source.section.number("high_freq_factor", kAboveZero));
  if (scaling.high_freq_factor <= scaling.low_freq_factor) {
    return source.section.wrong("high_freq_factor",
                                fmt::format("more than low_freq_factor {}", scaling.low_freq_factor));
  }
  CONTINUO_TRY(scaling.original_context, original_context(source));
  return RopeScaling{scaling};
}

// How much a longer context flattens attention, and what the factor on cos and sin makes good: the paper's
// section 3.4. Files that weigh the logarithm ask for the quotient of two such factors.
double magnitude(double factor, double weight) {
  return factor <= 1 ? 1 : 0.1 * weight * std::log(factor) + 1;
}

Result<double> yarn_attention_factor(const HyperParameters& section, double factor) {
  CONTINUO_TRY(const double weight, section.number_or("mscale", 0, kFromZero));
  CONTINUO_TRY(const double all_dim_weight, section.number_or("mscale_all_dim", 0, kFromZero));
  const bool both = weight != 0 && all_dim_weight != 0;
  const double resolved =
      both ? magnitude(factor, weight) / magnitude(factor, all_dim_weight) : magnitude(factor, 1);
  CONTINUO_TRY(const double stated, section.number_or("attention_factor", resolved, kAboveZero));
  if (!std::isfinite(stated)) return section.wrong("mscale", "a number that gives a finite factor");
  return stated;
}

Result<RopeScaling> yarn(const Source& source) {
  const HyperParameters& section = source.section;
  RopeYarn scaling;
  CONTINUO_TRY(scaling.original_context, original_context(source));
  const double ratio = source.context_length / scaling.original_context;
  CONTINUO_TRY(scaling.factor, section.number_or("rope_factor", std::max(ratio, 1.0), kFromOne));
  CONTINUO_TRY(scaling.attention_factor, yarn_attention_factor(section, scaling.factor));
  // For the reference, 0 is as good as absent.
  CONTINUO_TRY(const double fast, section.number_or("beta_fast", 0, kFromZero));
  CONTINUO_TRY(const double slow, section.number_or("beta_slow", 0, kFromZero));
  if (fast != 0) scaling.beta_fast = fast;
  if (slow != 0) scaling.beta_slow = slow;
  if (scaling.beta_fast < scaling.beta_slow) {
    return section.wrong(fast != 0 ? "beta_fast" : "beta_slow", "a beta_fast that is not below beta_slow");
  }
  if (source.theta == 1) {  // the correction range divides by its logarithm
    return model_error(section.file(), "rope_theta is 1, expected more with rope_type yarn");
  }
  CONTINUO_TRY(scaling.truncate, section.flag_or("truncate", true));
  return RopeScaling{scaling};
}

struct Kind {
  std::string_view name;
  Result<RopeScaling> (*read)(const Source&);
};
constexpr std::array<Kind, 5> kKinds = {
    {{"default", no_scaling}, {"linear", linear}, {"dynamic", dynamic}, {"llama3", llama3}, {"yarn", yarn}}};

Result<RopeScaling> scaling_of(const Source& source) {
  CONTINUO_TRY(const std::string type, source.section.text_or("rope_type", "default"));
  std::string known;
  for (const Kind& kind : kKinds) {
    if (kind.name == type) return kind.read(source);
    known += fmt::format("{}{}", known.empty() ? "" : ", ", kind.name);
  }
  return source.section.wrong("rope_type", "one of " + known);
}

}  // namespace

Result<RopeSpec> rope_spec(const HyperParameters& parameters, int head_dim, int context_length) {
  if (head_dim % 2 != 0) {
    return model_error(parameters.file(),
                       fmt::format("heads of {} values, rotary positions turn pairs", head_dim));
  }
  CONTINUO_TRY(const HyperParameters section, parameters.section("rope_section"));
  Source source{
      .top = parameters, .section = section, .head_dim = head_dim, .context_length = context_length};
  CONTINUO_TRY(source.theta, either(source, "rope_theta", source.theta, kFromOne));
  CONTINUO_TRY(const double share, either(source, "partial_rotary_factor", 1, kZeroToOne));
  if (share != 1) {
    return model_error(parameters.file(), fmt::format("partial_rotary_factor is {}, expected 1", share),
                       "turning a part of each head is not supported for this kind of model");
  }
  RopeSpec rope{.rotary_dim = head_dim, .theta = source.theta, .scaling = {}};
  CONTINUO_TRY(rope.scaling, scaling_of(source));
  return rope;
}

Result<int> scaled_context(const HyperParameters& parameters, const RopeSpec& rope, int stated) {
  const auto* dynamic_scaling = std::get_if<RopeDynamic>(&rope.scaling);
  if (!dynamic_scaling) return stated;
  const double extended = std::floor(stated * dynamic_scaling->factor);
  if (extended > HyperParameters::kLargest) {
    return parameters.wrong("context_length",
                            fmt::format("at most {} after scaling", HyperParameters::kLargest));
  }
  return std::max(stated, static_cast<int>(extended));
}

}  // namespace continuo
