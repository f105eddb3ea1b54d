#include "io/importance_matrix.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "io/gguf.h"
#include "io/gguf_writer.h"

namespace continuo {

namespace {

constexpr std::string_view kSums = ".in_sum2", kCounts = ".counts";
constexpr const char* kHint = "is it a file that continuo imatrix or llama-imatrix wrote?";

Result<std::vector<float>> floats_of(const GgufFile& file, const GgufTensor& tensor) {
  const auto format = format_from_gguf(tensor.type);
  if (format != Format::f32)
    return model_error(file.name(), fmt::format("tensor '{}' is stored as {}, expected F32", tensor.name,
                                                gguf_type_name(tensor.type)));
  std::vector<float> values(static_cast<std::size_t>(tensor.bytes) / sizeof(float));
  std::memcpy(values.data(), file.bytes_of(tensor).data(), values.size() * sizeof(float));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] >= 0) || !std::isfinite(values[i])) {
      return model_error(
          file.name(), fmt::format("tensor '{}' holds {} as value {}, expected 0 or more", tensor.name, values[i], i));
    }
  }
  return values;
}

Result<std::uint32_t> count_of(const GgufFile& file, std::string_view key) {
  CONTINUO_TRY(const auto value, file.whole(key));
  if (value && (*value < 0 || *value > UINT32_MAX))
    return model_error(file.name(), fmt::format("'{}' is {}, expected 0 to {}", key, *value, UINT32_MAX));
  return static_cast<std::uint32_t>(value.value_or(0));
}

Result<void> check_pairs(const GgufFile& file, const ImportanceMatrix& matrix) {
  for (const auto& [name, sums] : matrix.tensors) {
    if (!sums.counts.empty() && !sums.sums.empty() && sums.sums.size() % sums.counts.size() == 0) continue;
    return model_error(file.name(), fmt::format("'{0}{1}' has {2} values and '{0}{3}' {4}, expected as many rows", name,
                                                kSums, sums.sums.size(), kCounts, sums.counts.size()));
  }
  if (matrix.tensors.empty()) return model_error(file.name(), "an importance matrix without tensors", kHint);
  return {};
}

}  // namespace

Result<ImportanceMatrix> read_importance_matrix(const std::string& path) {
  CONTINUO_TRY(const Blob blob, map_file(path));
  CONTINUO_TRY(const GgufFile file, GgufFile::parse(blob));
  CONTINUO_TRY(const auto type, file.text("general.type"));
  if (type.value_or("") != "imatrix")
    return model_error(path, fmt::format("'general.type' is \"{}\", expected \"imatrix\"", type.value_or("")), kHint);
  ImportanceMatrix matrix;
  CONTINUO_TRY(const auto datasets, file.texts("imatrix.datasets"));
  matrix.datasets.assign(datasets.begin(), datasets.end());
  CONTINUO_TRY(matrix.chunk_count, count_of(file, "imatrix.chunk_count"));
  CONTINUO_TRY(matrix.chunk_size, count_of(file, "imatrix.chunk_size"));
  for (const GgufTensor& tensor : file.tensors()) {
    const std::string_view name = tensor.name;
    const bool sums = name.ends_with(kSums);
    if (!sums && !name.ends_with(kCounts)) {
      return model_error(path, fmt::format("tensor '{}' is neither sums ({}) nor counts ({})", name, kSums, kCounts),
                         kHint);
    }
    ImportanceSums& into = matrix.tensors[std::string(name.substr(0, name.size() - (sums ? kSums : kCounts).size()))];
    CONTINUO_TRY((sums ? into.sums : into.counts), floats_of(file, tensor));
  }
  CONTINUO_TRY_VOID(check_pairs(file, matrix));
  return matrix;
}

Result<void> write_importance_matrix(const ImportanceMatrix& matrix, const std::string& path) {
  GgufWriter writer;
  writer.add("general.type", std::string_view("imatrix"));
  writer.add("imatrix.datasets", std::span<const std::string>(matrix.datasets));
  writer.add("imatrix.chunk_count", matrix.chunk_count);
  writer.add("imatrix.chunk_size", matrix.chunk_size);
  const auto add = [&](const std::string& name, const std::vector<float>& values, std::size_t width) {
    writer.add({.name = name,
                .shape = {values.size() / width, width},
                .format = Format::f32,
                .row = [&values, width](std::size_t r, float* out) {
                  std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(r * width), width, out);
                }});
  };
  for (const auto& [name, sums] : matrix.tensors) {
    add(name + std::string(kSums), sums.sums, sums.width());
    add(name + std::string(kCounts), sums.counts, 1);
  }
  CONTINUO_TRY(NewFile file, NewFile::beside(path));
  CONTINUO_TRY_VOID(writer.write(file.descriptor(), path));
  return file.keep();
}

std::vector<float> importance_of(const ImportanceSums& sums) {
  constexpr double kLeast = 1e-3;  // of the mean: what a text never showed may yet come
  const std::size_t width = sums.width();
  std::vector<float> all(sums.sums.size(), 1);
  for (std::size_t m = 0; m < sums.counts.size(); ++m) {
    const float* const from = sums.sums.data() + m * width;
    double total = 0;
    for (std::size_t i = 0; i < width; ++i) total += static_cast<double>(from[i]);
    if (sums.counts[m] <= 0 || total <= 0 || !std::isfinite(total)) continue;
    const double mean = total / static_cast<double>(width);
    for (std::size_t i = 0; i < width; ++i)
      all[m * width + i] = static_cast<float>(static_cast<double>(from[i]) / mean + kLeast);
  }
  return all;
}

}  // namespace continuo
