#include "kernels/reference_scan.h"

#include <algorithm>
#include <cmath>

#include "kernels/reference_math.h"

namespace continuo {

namespace {

void matrix_state(const MatrixStateArgs& args) {
  for (std::size_t j = 0; j < args.n; ++j) {
    const float v = args.value[j];
    float held = 0, y = args.direct * v;
    for (std::size_t i = 0; args.key && i < args.keys; ++i)
      held = std::fma(args.key[i], args.state[i * args.stride + j], held);
    for (std::size_t i = 0; i < args.keys; ++i) {
      float& s = args.state[i * args.stride + j];
      if (args.reads_before) y = std::fma(args.read[i], s, y);
      float next = args.keep[i] * s;
      if (args.key) next = std::fma(-args.take[i], held, next);
      s = std::fma(args.write[i], v, next);
      if (!args.reads_before) y = std::fma(args.read[i], s, y);
    }
    args.out[j] = y;
  }
}

void channel_state(const ChannelStateArgs& args) {
  for (std::size_t j = 0; j < args.n; ++j) {
    const float input = args.delta[j] * args.x[j];
    float y = args.skip[j] * args.x[j];
    for (std::size_t s = 0; s < args.d_state; ++s) {
      float& h = args.state[s * args.stride + j];
      const float decay = math::exp(args.delta[j] * args.rates[s * args.stride + j]);
      h = std::fma(input, args.b[s], decay * h);
      y = std::fma(args.c[s], h, y);
    }
    args.out[j] = y;
  }
}

void average_state(const AverageStateArgs& args) {
  for (std::size_t j = 0; j < args.n; ++j) {
    float &numerator = args.numerator[j], &denominator = args.denominator[j], &largest = args.largest[j];
    if (denominator == 0.0f) largest = kNothingSeen;
    const float v = args.value[j], key = args.key[j];
    const float loud = key + args.first[j], most_now = std::max(largest, loud);
    const float old_now = math::exp(largest - most_now), own_now = math::exp(loud - most_now);
    args.out[j] = std::fma(old_now, numerator, own_now * v) / std::fma(old_now, denominator, own_now);
    const float faded = largest + args.decay[j], most = std::max(faded, key);
    const float old = math::exp(faded - most), own = math::exp(key - most);
    numerator = std::fma(old, numerator, own * v);
    denominator = std::fma(old, denominator, own);
    largest = most;
  }
}

void conv(const ConvArgs& args) {
  for (std::size_t j = 0; j < args.n; ++j) {
    float sum = args.bias ? args.bias[j] : 0.0f;
    for (std::size_t k = 0; k < args.taps; ++k)
      sum = std::fma(args.weights[k * args.stride + j], args.inputs[k][j], sum);
    args.out[j] = sum;
  }
}

}  // namespace

const ScanKernels kReferenceScan = {
    .matrix_state = matrix_state, .channel_state = channel_state, .average_state = average_state, .conv = conv};

}  // namespace continuo
