#include "cli/importance_recorder.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io/checkpoint.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/forward.h"

namespace continuo {

namespace {

// One matrix of the file: a tensor, or an expert's part of one.
struct Recorded {
  std::vector<double> sums;
  double count = 0;
};

// By the first byte of the matrix. Products of outputs from the first on are recorded, those of others not: all
// outputs of a map have the same inputs. Threads share a map's outputs, so no two record the same matrix at once.
using Inputs = std::unordered_map<const std::byte*, Recorded>;

// The table's functions know no closure.
struct Recording {
  Inputs* inputs;
  const KernelTable* kernels;
};
Recording* g_recording = nullptr;
// The matrix whose rows a thread unpacked last, and where to: their product comes next.
thread_local std::pair<const std::byte*, const std::byte*> t_unpacked;

void record(const std::byte* matrix, std::size_t k, const float* x, std::size_t x_stride, std::size_t tokens) {
  const auto found = g_recording->inputs->find(matrix);
  if (found == g_recording->inputs->end() || found->second.sums.size() != k) return;
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t i = 0; i < k; ++i) {
      const double value = static_cast<double>(x[t * x_stride + i]);
      found->second.sums[i] += value * value;
    }
  }
  found->second.count += static_cast<double>(tokens);
}

template <std::size_t kFormat>
void recorded_matmul(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, const float* x,
                     std::size_t x_stride, std::size_t tokens, float* y, std::size_t y_stride) {
  const bool unpacked = kFormat == static_cast<std::size_t>(Format::f32) && t_unpacked.second == w;
  record(unpacked ? t_unpacked.first : w, k, x, x_stride, tokens);
  if (unpacked) t_unpacked = {};
  g_recording->kernels->matmul[kFormat](w, w_stride, rows, k, x, x_stride, tokens, y, y_stride);
}

template <std::size_t kFormat>
void recorded_unpack(const std::byte* stored, float* values, std::size_t n) {
  if (g_recording->inputs->count(stored)) t_unpacked = {stored, reinterpret_cast<const std::byte*>(values)};
  g_recording->kernels->unpack[kFormat](stored, values, n);
}

template <std::size_t... kFormat>
KernelTable recording_table(const KernelTable& kernels, std::index_sequence<kFormat...>) {
  KernelTable table = kernels;
  table.int8 = nullptr;  // exact products, of weights as they are stored
  ((table.matmul[kFormat] = recorded_matmul<kFormat>), ...);
  ((table.unpack[kFormat] = recorded_unpack<kFormat>), ...);
  return table;
}

}  // namespace

struct ImportanceRecorder::Impl {
  Impl(const Model& m, int n_threads)
      : model(m),
        recording{&inputs, &best_kernels()},
        kernels(recording_table(best_kernels(), std::make_index_sequence<kFormatCount>())),
        threads(n_threads, n_threads),
        forward(m, kernels, threads, {.repack = false}) {}

  const Model& model;
  Inputs inputs;
  Recording recording;
  const KernelTable kernels;
  ThreadPool threads;
  ForwardPass forward;
};

namespace {

// How many matrices a tensor holds, one for each expert, and their inputs.
std::pair<std::size_t, std::size_t> shape_of(const TensorView& tensor) {
  const std::size_t rank = tensor.shape.size();
  return {rank == 3 ? tensor.shape[0] : 1, tensor.shape.back()};
}

// Whether the importance of a tensor's columns is asked for: matrices of layers, and the output.
bool is_recorded(const std::string& name, const TensorView& tensor) {
  const bool wanted = name.starts_with("blk.") || name == "output.weight";
  return wanted && name.ends_with(".weight") && (tensor.shape.size() == 2 || tensor.shape.size() == 3);
}

}  // namespace

ImportanceRecorder::ImportanceRecorder(const Model& model, int threads)
    : impl_(std::make_unique<Impl>(model, threads)) {
  CONTINUO_CHECK(!g_recording && model.storage->is_gguf, "one recorder at a time, of a GGUF file");
  for (const auto& [name, tensor] : model.storage->tensors) {
    if (!is_recorded(name, tensor)) continue;
    const auto [matrices, width] = shape_of(tensor);
    for (std::size_t m = 0; m < matrices; ++m)
      impl_->inputs[tensor.bytes.data() + tensor.bytes.size() / matrices * m].sums.resize(width);
  }
  g_recording = &impl_->recording;
}

ImportanceRecorder::~ImportanceRecorder() { g_recording = nullptr; }

void ImportanceRecorder::read(std::span<const TokenId> ids) {
  SequenceState state(impl_->model.spec, ids.size(), ids.size());
  const Segment segment{.state = &state, .tokens = ids, .logits_wanted = 1};
  if (impl_->model.spec.has_output) {
    static_cast<void>(impl_->forward(std::span(&segment, 1)));
  } else {
    static_cast<void>(impl_->forward.hidden_states(std::span(&segment, 1)));
  }
}

Result<ImportanceMatrix> ImportanceRecorder::matrix() const {
  ImportanceMatrix matrix;
  for (const auto& [name, tensor] : impl_->model.storage->tensors) {
    if (!is_recorded(name, tensor)) continue;
    const auto [matrices, width] = shape_of(tensor);
    ImportanceSums sums;
    double total = 0;
    for (std::size_t m = 0; m < matrices; ++m) {
      const Recorded& recorded = impl_->inputs.find(tensor.bytes.data() + tensor.bytes.size() / matrices * m)->second;
      for (const double value : recorded.sums) {
        if (!std::isfinite(static_cast<float>(value)))
          return model_error(impl_->model.name, fmt::format("tensor '{}' meets inputs that are no numbers", name),
                             "are the weights damaged?");
        sums.sums.push_back(static_cast<float>(value));
      }
      sums.counts.push_back(static_cast<float>(recorded.count));
      total += recorded.count;
    }
    if (total > 0) matrix.tensors.emplace(name, std::move(sums));
  }
  return matrix;
}

}  // namespace continuo
