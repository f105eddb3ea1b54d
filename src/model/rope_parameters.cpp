#include "model/rope_parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/json.h"

namespace continuo {

namespace {

// A list of factors stands in every layer's spec: what a file can make of it stays small.
constexpr std::size_t kMostFactors = 1024;

// Where a scaling's values come from: its section, and the file's top level for what may stand there instead.
struct Source {
  const HyperParameters& top;
  const HyperParameters& section;
  double share;  // of each head's values that turn
  int rotary_dim;
  int context_length;
  double theta;
};

// A value that may stand in the section or beside it; an error if both are there and differ.
Result<double> either(const Source& source, std::string_view name, double fallback, const NumberRange& range) {
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
  if (source.rotary_dim < 4) {  // theta grows with the exponent dim / (dim - 2)
    return source.section.wrong("rope_type", fmt::format("another where {} values of a head turn", source.rotary_dim));
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
double magnitude(double factor, double weight) { return factor <= 1 ? 1 : 0.1 * weight * std::log(factor) + 1; }

Result<double> yarn_attention_factor(const HyperParameters& section, double factor) {
  CONTINUO_TRY(const double weight, section.number_or("mscale", 0, kFromZero));
  CONTINUO_TRY(const double all_dim_weight, section.number_or("mscale_all_dim", 0, kFromZero));
  const bool both = weight != 0 && all_dim_weight != 0;
  const double resolved = both ? magnitude(factor, weight) / magnitude(factor, all_dim_weight) : magnitude(factor, 1);
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

// The factor on cos and sin is the paper's, for the growth from the original context, unless the file has its
// own.
Result<RopeScaling> longrope(const Source& source) {
  const HyperParameters& section = source.section;
  RopeFactors scaling;
  const std::size_t pairs = static_cast<std::size_t>(source.rotary_dim) / 2;
  if (pairs > kMostFactors) {
    return section.wrong("rope_type", fmt::format("another where {} values of a head turn", source.rotary_dim));
  }
  CONTINUO_TRY(scaling.short_factors, section.numbers("short_factors", pairs, kFactor));
  CONTINUO_TRY(scaling.long_factors, section.numbers("long_factors", pairs, kFactor));
  CONTINUO_TRY(scaling.original_context, original_context(source));
  const double growth = source.context_length / scaling.original_context;
  CONTINUO_TRY(const double factor, section.number_or("rope_factor", growth, kAboveZero));
  const double resolved = factor <= 1 ? 1 : std::sqrt(1 + std::log(factor) / std::log(scaling.original_context));
  if (!std::isfinite(resolved)) {  // its logarithm is 0
    return model_error(section.file(), "the original context is 1, expected more with rope_type longrope");
  }
  CONTINUO_TRY(scaling.attention_factor, section.number_or("attention_factor", resolved, kFactor));
  CONTINUO_TRY(scaling.attention_factor, section.number_or("short_magnitude", scaling.attention_factor, kFactor));
  CONTINUO_TRY(scaling.long_attention_factor, section.number_or("long_magnitude", 0, kLimit));
  return RopeScaling{std::move(scaling)};
}

// All of a head is seen as pairs, of which a share turns.
Result<RopeScaling> proportional(const Source& source) {
  RopeProportional scaling;
  CONTINUO_TRY(scaling.factor, source.section.number_or("rope_factor", 1, kFromOne));
  scaling.turned_pairs = static_cast<int>(std::floor(source.share * source.rotary_dim / 2));
  return RopeScaling{scaling};
}

struct Kind {
  std::string_view name;
  Result<RopeScaling> (*read)(const Source&);
};
constexpr std::array<Kind, 9> kKinds = {{{"default", no_scaling},
                                         // Sections of a head that turn by time, height and width: of text these are
                                         // one.
                                         {"mrope", no_scaling},
                                         {"linear", linear},
                                         {"dynamic", dynamic},
                                         {"llama3", llama3},
                                         {"yarn", yarn},
                                         {"longrope", longrope},
                                         {"su", longrope},
                                         {"proportional", proportional}}};

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

Result<RopeSpec> rope_spec(const HyperParameters& parameters, int head_dim, int context_length,
                           const RopeDefaults& defaults) {
  CONTINUO_TRY(const HyperParameters section, parameters.section("rope_section"));
  return rope_spec(parameters, section, head_dim, context_length, defaults);
}

Result<RopeSpec> rope_spec(const HyperParameters& top, const HyperParameters& section, int head_dim, int context_length,
                           const RopeDefaults& defaults) {
  CONTINUO_TRY_VOID(section.plain_values());
  Source source{
      .top = top, .section = section, .share = 1, .rotary_dim = 0, .context_length = context_length, .theta = 0};
  CONTINUO_TRY(source.theta, either(source, "rope_theta", defaults.theta, kFromOne));
  CONTINUO_TRY(const double share, either(source, "partial_rotary_factor", defaults.share, kZeroToOne));
  CONTINUO_TRY(const std::string type, section.text_or("rope_type", "default"));
  const bool whole = type == "proportional";
  if (share != defaults.share && !defaults.share_is_free && !whole) {
    return model_error(top.file(), fmt::format("partial_rotary_factor is {}, expected {}", share, defaults.share),
                       "turning a part of each head is not supported for this kind of model");
  }
  source.share = share;
  source.rotary_dim = static_cast<int>(head_dim * (whole ? 1 : share));
  if (source.rotary_dim % 2 != 0 || source.rotary_dim == 0) {
    const std::string part = share == 1 ? "" : fmt::format(", of which {} turn", source.rotary_dim);
    return model_error(top.file(), fmt::format("heads of {} values{}, rotary positions turn pairs", head_dim, part));
  }
  RopeSpec rope{.rotary_dim = source.rotary_dim, .theta = source.theta, .scaling = {}};
  CONTINUO_TRY(rope.scaling, scaling_of(source));
  return rope;
}

Result<RopesByKind> ropes_by_kind(const HyperParameters& p, int head_dim, int context_length,
                                  const RopeDefaults& full_defaults, const RopeDefaults& sliding_defaults) {
  static const Json empty = Json::object();
  const HyperParameters nothing(empty, p.file());
  CONTINUO_TRY(const HyperParameters section, p.section("rope_section"));
  CONTINUO_TRY(const bool of_full, section.has("rope_of_full"));
  CONTINUO_TRY(const bool of_sliding, section.has("rope_of_sliding"));
  CONTINUO_TRY(const HyperParameters full, section.section("rope_of_full"));
  CONTINUO_TRY(const HyperParameters sliding, section.section("rope_of_sliding"));
  const bool flat = !of_full && !of_sliding;
  RopesByKind both;
  CONTINUO_TRY(both.full, rope_spec(p, flat ? section : full, head_dim, context_length, full_defaults));
  CONTINUO_TRY(both.sliding, rope_spec(nothing, sliding, head_dim, context_length, sliding_defaults));
  return both;
}

Result<int> scaled_context(const HyperParameters& parameters, const RopeSpec& rope, int stated) {
  const auto* dynamic_scaling = std::get_if<RopeDynamic>(&rope.scaling);
  if (!dynamic_scaling) return stated;
  const double extended = std::floor(stated * dynamic_scaling->factor);
  if (extended > HyperParameters::kLargest) {
    return parameters.wrong("context_length", fmt::format("at most {} after scaling", HyperParameters::kLargest));
  }
  return std::max(stated, static_cast<int>(extended));
}

}  // namespace continuo
