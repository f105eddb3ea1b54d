// The functions of the kernels for one number: what every SIMD target must reproduce bit for bit. A polynomial in
// Horner form, each step one fused multiply-add. Coefficients: weighted least squares on Chebyshev nodes.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace continuo::math {

// e^r = 1 + r + r^2 * P(r) for |r| <= ln2 / 2; relative error of exp below 9e-8.
inline constexpr float kExpPoly[5] = {0.5f, 0.16666576f, 0.041666463f, 0.008363236f, 0.0013933734f};
inline constexpr float kLog2E = 1.44269504f;
inline constexpr float kLn2High = 0.693145751953125f;  // 16 bits, so that n * kLn2High is exact
inline constexpr float kLn2Low = 1.42860682e-6f;
inline constexpr float kExpMin = -87.0f;  // below: e^-87, about 1.6e-38
inline constexpr float kExpMax = 88.0f;

// erfc(z) = e^(-z^2) * C(t), t = 1 / (1 + z/2), z >= 0; gelu's absolute error below 5e-8.
inline constexpr float kErfcPoly[9] = {-0.0006780814f, 0.2926626f,  0.20996031f, 0.5286753f,   -0.5117491f,
                                       1.1486307f,     -0.9925546f, 0.38310295f, -0.058050167f};

// tanh(x) = x + x^3 * T(x^2) for |x| < kTanhSmall; relative error of tanh below 2e-7.
inline constexpr float kTanhPoly[5] = {-0.333332807f, 0.133314356f, -0.0537393764f, 0.0206384752f, -0.0057046474f};
inline constexpr float kTanhSmall = 0.625f;

inline constexpr float kSqrtHalf = 0.70710678f;
inline constexpr float kGeluScale = 0.79788456f;  // sqrt(2 / pi)
inline constexpr float kGeluCubic = 0.044715f;
inline constexpr float kGeluQuick = 1.702f;

inline float exp(float x) {
  x = std::min(std::max(kExpMin, x), kExpMax);  // what is no number becomes kExpMin
  const float n = std::nearbyint(x * kLog2E);
  const float r = std::fma(-n, kLn2Low, std::fma(-n, kLn2High, x));
  float p = kExpPoly[4];
  for (int i = 3; i >= 0; --i) p = std::fma(p, r, kExpPoly[i]);
  const float mantissa = std::fma(p, r * r, r) + 1.0f;
  const auto exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) + 127) << 23;
  return mantissa * std::bit_cast<float>(exponent);
}

// Away from 0: 1 - 2 / (e^(2|x|) + 1) with the sign of x.
inline float tanh(float x) {
  const float size = std::fabs(x);
  if (size < kTanhSmall) {
    const float z = x * x;
    float p = kTanhPoly[4];
    for (int i = 3; i >= 0; --i) p = std::fma(p, z, kTanhPoly[i]);
    return std::fma(p, z * x, x);
  }
  return std::copysign(1.0f - 2.0f / (exp(2.0f * size) + 1.0f), x);
}

inline float soft_cap(float x, float cap) { return cap * tanh(x / cap); }

inline float sigmoid(float x) { return 1.0f / (1.0f + exp(-x)); }

inline float silu(float x) { return x / (1.0f + exp(-x)); }

// x * (1 + tanh(u)) / 2 = x / (1 + e^(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3)
inline float gelu_tanh(float x) {
  const float u = std::fma(kGeluCubic * x * x, x, x) * kGeluScale;
  return x / (1.0f + exp(-2.0f * u));
}

// x * Phi(x); Phi(x) = erfc(-x / sqrt 2) / 2
inline float gelu_erf(float x) {
  const float z = std::fabs(x) * kSqrtHalf;
  const float t = 1.0f / std::fma(z, 0.5f, 1.0f);
  float c = kErfcPoly[8];
  for (int i = 7; i >= 0; --i) c = std::fma(c, t, kErfcPoly[i]);
  const float half_tail = 0.5f * (c * exp(-(z * z)));
  return x < 0.0f ? x * half_tail : x - x * half_tail;
}

inline float gelu_quick(float x) { return x / (1.0f + exp(-kGeluQuick * x)); }

inline float relu(float x) { return x > 0.0f ? x : 0.0f; }
inline float relu_squared(float x) { return relu(x) * relu(x); }

}  // namespace continuo::math
