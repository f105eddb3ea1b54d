// The scans of recurrent mixers: columns of a state stand in the lanes of vectors.
#if defined(CONTINUO_SIMD_SCAN_INL_H) != defined(CONTINUO_SIMD_TOGGLE)
#ifdef CONTINUO_SIMD_SCAN_INL_H
#undef CONTINUO_SIMD_SCAN_INL_H
#else
#define CONTINUO_SIMD_SCAN_INL_H
#endif

#include "kernels/scan.h"
#include "kernels/simd/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace continuo::HWY_NAMESPACE {

// kCount vectors of columns from `first` on, side by side: sums are chains, so one alone would wait for itself. kPart:
// the one vector has only `left` columns.
template <bool kTakes, bool kBefore, std::size_t kCount, bool kPart>
HWY_INLINE void MatrixColumns(const MatrixStateArgs& args, std::size_t first, std::size_t left) {
  const auto load = [&](const float* p) HWY_ATTR {
    if constexpr (kPart) {
      return LoadSome(p, left);
    } else {
      return hn::LoadU(d, p);
    }
  };
  V value[kCount], held[kCount], sum[kCount];
  CONTINUO_UNROLL
  for (std::size_t j = 0; j < kCount; ++j) {
    value[j] = load(args.value + first + j * kLanes);
    held[j] = hn::Zero(d);
    sum[j] = hn::Mul(hn::Set(d, args.direct), value[j]);
  }
  float* const state = args.state + first;
  if constexpr (kTakes) {
    for (std::size_t i = 0; i < args.keys; ++i) {
      const V key = hn::Set(d, args.key[i]);
      CONTINUO_UNROLL
      for (std::size_t j = 0; j < kCount; ++j)
        held[j] = hn::MulAdd(key, load(state + i * args.stride + j * kLanes), held[j]);
    }
  }
  for (std::size_t i = 0; i < args.keys; ++i) {
    const V keep = hn::Set(d, args.keep[i]), write = hn::Set(d, args.write[i]), read = hn::Set(d, args.read[i]);
    V take = keep;
    if constexpr (kTakes) take = hn::Set(d, args.take[i]);
    CONTINUO_UNROLL
    for (std::size_t j = 0; j < kCount; ++j) {
      float* const at = state + i * args.stride + j * kLanes;
      const V old = load(at);
      if constexpr (kBefore) sum[j] = hn::MulAdd(read, old, sum[j]);
      V next = hn::Mul(keep, old);
      if constexpr (kTakes) next = hn::NegMulAdd(take, held[j], next);
      next = hn::MulAdd(write, value[j], next);
      if constexpr (kPart) {
        StoreSome(next, at, left);
      } else {
        hn::StoreU(next, d, at);
      }
      if constexpr (!kBefore) sum[j] = hn::MulAdd(read, next, sum[j]);
    }
  }
  CONTINUO_UNROLL
  for (std::size_t j = 0; j < kCount; ++j) {
    if constexpr (kPart) {
      StoreSome(sum[j], args.out + first, left);
    } else {
      hn::StoreU(sum[j], d, args.out + first + j * kLanes);
    }
  }
}

template <bool kTakes, bool kBefore>
HWY_INLINE void MatrixStateOf(const MatrixStateArgs& args) {
  constexpr std::size_t kMany = 4;
  std::size_t j = 0;
  for (; j + kMany * kLanes <= args.n; j += kMany * kLanes) MatrixColumns<kTakes, kBefore, kMany, false>(args, j, 0);
  for (; j + kLanes <= args.n; j += kLanes) MatrixColumns<kTakes, kBefore, 1, false>(args, j, 0);
  if (j < args.n) MatrixColumns<kTakes, kBefore, 1, true>(args, j, args.n - j);
}

inline void MatrixState(const MatrixStateArgs& args) {
  if (args.key) {
    args.reads_before ? MatrixStateOf<true, true>(args) : MatrixStateOf<true, false>(args);
  } else {
    args.reads_before ? MatrixStateOf<false, true>(args) : MatrixStateOf<false, false>(args);
  }
}

inline void ChannelState(const ChannelStateArgs& args) {
  for (std::size_t j = 0; j < args.n; j += kLanes) {
    const std::size_t left = args.n - j;
    const V delta = LoadSome(args.delta + j, left), x = LoadSome(args.x + j, left);
    const V input = hn::Mul(delta, x);
    V y = hn::Mul(LoadSome(args.skip + j, left), x);
    for (std::size_t s = 0; s < args.d_state; ++s) {
      float* const at = args.state + s * args.stride + j;
      const V decay = Exp(hn::Mul(delta, LoadSome(args.rates + s * args.stride + j, left)));
      const V h = hn::MulAdd(input, hn::Set(d, args.b[s]), hn::Mul(decay, LoadSome(at, left)));
      StoreSome(h, at, left);
      y = hn::MulAdd(hn::Set(d, args.c[s]), h, y);
    }
    StoreSome(y, args.out + j, left);
  }
}

inline void AverageState(const AverageStateArgs& args) {
  for (std::size_t j = 0; j < args.n; j += kLanes) {
    const std::size_t left = args.n - j;
    const V numerator = LoadSome(args.numerator + j, left), denominator = LoadSome(args.denominator + j, left);
    const V seen = LoadSome(args.largest + j, left);
    const V largest = hn::IfThenElse(hn::Eq(denominator, hn::Zero(d)), hn::Set(d, kNothingSeen), seen);
    const V value = LoadSome(args.value + j, left), key = LoadSome(args.key + j, left);
    const V loud = hn::Add(key, LoadSome(args.first + j, left)), most_now = hn::Max(largest, loud);
    const V old_now = Exp(hn::Sub(largest, most_now)), own_now = Exp(hn::Sub(loud, most_now));
    const V above = hn::MulAdd(old_now, numerator, hn::Mul(own_now, value));
    StoreSome(hn::Div(above, hn::MulAdd(old_now, denominator, own_now)), args.out + j, left);
    const V faded = hn::Add(largest, LoadSome(args.decay + j, left)), most = hn::Max(faded, key);
    const V old = Exp(hn::Sub(faded, most)), own = Exp(hn::Sub(key, most));
    StoreSome(hn::MulAdd(old, numerator, hn::Mul(own, value)), args.numerator + j, left);
    StoreSome(hn::MulAdd(old, denominator, own), args.denominator + j, left);
    StoreSome(most, args.largest + j, left);
  }
}

inline void Conv(const ConvArgs& args) {
  for (std::size_t j = 0; j < args.n; j += kLanes) {
    const std::size_t left = args.n - j;
    V sum = args.bias ? LoadSome(args.bias + j, left) : hn::Zero(d);
    for (std::size_t k = 0; k < args.taps; ++k) {
      sum = hn::MulAdd(LoadSome(args.weights + k * args.stride + j, left), LoadSome(args.inputs[k] + j, left), sum);
    }
    StoreSome(sum, args.out + j, left);
  }
}

const ScanKernels kScanKernels = {
    .matrix_state = MatrixState, .channel_state = ChannelState, .average_state = AverageState, .conv = Conv};

}  // namespace continuo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
