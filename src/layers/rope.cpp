#include "layers/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace continuo {

namespace {

// Pair i of n turns by theta^(-i/n) per position.
std::vector<double> plain_turns(double theta, int rotary_dim) {
  std::vector<double> turns(rotary_dim / 2);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    turns[i] = 1.0 / std::pow(theta, 2.0 * static_cast<double>(i) / rotary_dim);
  }
  return turns;
}

RopeFrequencies rounded(const std::vector<double>& turns, double magnitude) {
  RopeFrequencies out;
  out.magnitude = static_cast<float>(magnitude);
  for (const double turn : turns) out.turn.push_back(static_cast<float>(turn));
  return out;
}

RopeFrequencies scaled(const RopeSpec& spec, const std::monostate&, std::size_t) {
  return rounded(plain_turns(spec.theta, spec.rotary_dim), 1);
}

RopeFrequencies scaled(const RopeSpec& spec, const RopeLinear& linear, std::size_t) {
  std::vector<double> turns = plain_turns(spec.theta, spec.rotary_dim);
  for (double& turn : turns) turn /= linear.factor;
  return rounded(turns, 1);
}

// Wavelengths above original/low_freq_factor are stretched by `factor`, those below original/high_freq_factor
// kept, and between the two blended.
RopeFrequencies scaled(const RopeSpec& spec, const RopeLlama3& l, std::size_t) {
  std::vector<double> turns = plain_turns(spec.theta, spec.rotary_dim);
  for (double& turn : turns) {
    const double wavelength = 2 * std::numbers::pi / turn;
    if (wavelength > l.original_context / l.low_freq_factor) {
      turn /= l.factor;
    } else if (wavelength >= l.original_context / l.high_freq_factor) {
      const double keep =
          (l.original_context / wavelength - l.low_freq_factor) / (l.high_freq_factor - l.low_freq_factor);
      turn = (1 - keep) * turn / l.factor + keep * turn;
    }
  }
  return rounded(turns, 1);
}

// Peng et al. 2023, section 3.2, "NTK-by-parts": pairs that turn more than beta_fast times within the
// original context are kept, those under beta_slow times are stretched, a ramp between.
RopeFrequencies scaled(const RopeSpec& spec, const RopeYarn& yarn, std::size_t) {
  const double dim = spec.rotary_dim;
  const auto pair_with_rotations = [&](double rotations) {
    return dim * std::log(yarn.original_context / (rotations * 2 * std::numbers::pi)) / (2 * std::log(spec.theta));
  };
  double low = pair_with_rotations(yarn.beta_fast), high = pair_with_rotations(yarn.beta_slow);
  if (yarn.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;  // the ramp has no width: avoid dividing by it
  std::vector<double> turns = plain_turns(spec.theta, spec.rotary_dim);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const double stretch = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    turns[i] = turns[i] / yarn.factor * stretch + turns[i] * (1 - stretch);
  }
  return rounded(turns, yarn.attention_factor);
}

// Once the text is longer than the original context, theta grows so that the slowest pair just covers it.
RopeFrequencies scaled(const RopeSpec& spec, const RopeDynamic& dynamic, std::size_t text_length) {
  const double length = std::max(static_cast<double>(text_length), dynamic.original_context);
  const double growth = dynamic.factor * length / dynamic.original_context - (dynamic.factor - 1);
  const double dim = spec.rotary_dim;
  return rounded(plain_turns(spec.theta * std::pow(growth, dim / (dim - 2)), spec.rotary_dim), 1);
}

RopeFrequencies scaled(const RopeSpec& spec, const RopeFactors& factors, std::size_t text_length) {
  const bool is_long = static_cast<double>(text_length) > factors.original_context;
  const std::vector<float>& divisors = is_long ? factors.long_factors : factors.short_factors;
  std::vector<double> turns = plain_turns(spec.theta, spec.rotary_dim);
  CONTINUO_CHECK(divisors.size() == turns.size(), "a factor for every pair");
  for (std::size_t i = 0; i < turns.size(); ++i) turns[i] /= divisors[i];
  const bool other = is_long && factors.long_attention_factor > 0;
  return rounded(turns, other ? factors.long_attention_factor : factors.attention_factor);
}

RopeFrequencies scaled(const RopeSpec& spec, const RopeProportional& proportional, std::size_t) {
  std::vector<double> turns = plain_turns(spec.theta, spec.rotary_dim);
  for (std::size_t i = 0; i < turns.size(); ++i)
    turns[i] = i < static_cast<std::size_t>(proportional.turned_pairs) ? turns[i] / proportional.factor : 0;
  return rounded(turns, 1);
}

// Texts of lengths for which this is the same are turned alike.
std::size_t kind_of_length(const RopeSpec& spec, std::size_t text_length) {
  const auto beyond = [&](double context) { return static_cast<double>(text_length) > context; };
  if (const auto* dynamic = std::get_if<RopeDynamic>(&spec.scaling)) {
    return beyond(dynamic->original_context) ? text_length : 0;
  }
  if (const auto* factors = std::get_if<RopeFactors>(&spec.scaling)) return beyond(factors->original_context);
  return 0;
}

struct CosSin {
  double cos, sin;
};

// Taylor series on [-pi/4, pi/4]; the first terms left out are below 5e-17.
CosSin cos_sin_series(double r) {
  const double z = r * r;
  double s = 0, c = 0;
  for (int k = 15; k >= 3; k -= 2) s = (s + 1) * (-z / (k * (k - 1)));
  for (int k = 16; k >= 2; k -= 2) c = (c + 1) * (-z / (k * (k - 1)));
  return {c + 1, (s + 1) * r};
}

// Argument reduction by pi/2 in three parts (Cody & Waite): exact enough for |x| < 1e7.
CosSin cos_sin(double x) {
  constexpr double kPart1 = 0x1.921fb544p0, kPart2 = 0x1.0b4611a6p-34, kPart3 = 0x1.3198a2e037073p-69;
  const double n = std::nearbyint(x * (2 / std::numbers::pi));
  const CosSin r = cos_sin_series(((x - n * kPart1) - n * kPart2) - n * kPart3);
  switch (static_cast<long long>(n) & 3) {
    case 0:
      return r;
    case 1:
      return {-r.sin, r.cos};
    case 2:
      return {-r.cos, -r.sin};
    default:
      return {r.sin, -r.cos};
  }
}

}  // namespace

RopeFrequencies rope_frequencies(const RopeSpec& spec, std::size_t text_length) {
  return std::visit([&](const auto& scaling) { return scaled(spec, scaling, text_length); }, spec.scaling);
}

void rope_row(const RopeFrequencies& frequencies, std::size_t position, float* cos, float* sin) {
  const float at = static_cast<float>(position);
  for (std::size_t i = 0; i < frequencies.turn.size(); ++i) {
    const float angle = at * frequencies.turn[i];
    const CosSin value = cos_sin(angle);
    cos[i] = static_cast<float>(value.cos) * frequencies.magnitude;
    sin[i] = static_cast<float>(value.sin) * frequencies.magnitude;
  }
}

RopeTable::RopeTable(RopeSpec spec)
    : spec_(std::move(spec)), half_(spec_.rotary_dim / 2), frequencies_(rope_frequencies(spec_, 0)) {}

void RopeTable::resize(std::size_t rows) {
  cos_.resize(rows * half_);
  sin_.resize(rows * half_);
}

void RopeTable::set_row(std::size_t row, std::size_t position, std::size_t text_length) {
  if (const std::size_t kind = kind_of_length(spec_, text_length); kind != frequencies_kind_) {
    frequencies_ = rope_frequencies(spec_, text_length);
    frequencies_kind_ = kind;
  }
  float* const sin = sin_.data() + row * half_;
  rope_row(frequencies_, position, cos_.data() + row * half_, sin);
  if (spec_.negative_angle) {
    for (std::size_t i = 0; i < half_; ++i) sin[i] = -sin[i];
  }
}

}  // namespace continuo
