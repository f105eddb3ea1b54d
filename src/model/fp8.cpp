#include "model/fp8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "io/checkpoint.h"

namespace continuo {

namespace {

struct Fp8 {
  int exponent_bits, fraction_bits;
};

// The float of each byte. E4M3 has no infinities; what is no number stays none.
std::array<float, 256> values_of(const Fp8& kind) {
  std::array<float, 256> values{};
  const int bias = (1 << (kind.exponent_bits - 1)) - 1, fractions = 1 << kind.fraction_bits;
  const int largest = (1 << kind.exponent_bits) - 1;
  for (int byte = 0; byte < 256; ++byte) {
    const int exponent = byte >> kind.fraction_bits & largest, fraction = byte & (fractions - 1);
    const float whole = static_cast<float>(exponent == 0 ? fraction : fractions + fraction);
    float value = std::ldexp(whole, std::max(exponent, 1) - bias - kind.fraction_bits);
    const bool e4m3_nan = kind.exponent_bits == 4 && (byte & 0x7f) == 0x7f;
    const bool e5m2_special = kind.exponent_bits == 5 && exponent == largest;
    if (e4m3_nan || e5m2_special) value = std::numeric_limits<float>::quiet_NaN();
    values[static_cast<std::size_t>(byte)] = byte & 0x80 ? -value : value;
  }
  return values;
}

// Rows and columns that share a scale.
struct Block {
  std::size_t rows, cols;
};

// The scales of a tensor, one for each block of a matrix, and which block that is.
struct Scales {
  std::vector<float> values;
  Block block;
};

std::size_t blocks_of(std::size_t n, std::size_t block) { return (n + block - 1) / block; }

Result<Scales> scales_of(const TensorView& tensor, const std::string& name, std::size_t n_matrices, Block matrix,
                         std::optional<Block> stated) {
  std::size_t count = 1;
  for (const std::size_t extent : tensor.shape) count *= extent;
  Scales scales{std::vector<float>(count), matrix};
  format_info(tensor.format).to_float(tensor.bytes.data(), scales.values.data(), count);
  const auto fits = [&](Block block) {
    return count == n_matrices * blocks_of(matrix.rows, block.rows) * blocks_of(matrix.cols, block.cols);
  };
  if (stated && fits(*stated)) {
    scales.block = *stated;
  } else if (count == 1) {
    scales.values.assign(n_matrices, scales.values.front());
  } else if (fits({1, matrix.cols})) {
    scales.block = {1, matrix.cols};
  } else if (!fits(matrix)) {
    return model_error(
        tensor.file, fmt::format("tensor '{}' holds {} scales, expected one, one a row, or one a block", name, count));
  }
  return scales;
}

std::optional<Block> stated_block(const Json& quantization) {
  const auto size = quantization.find("weight_block_size");
  if (size == quantization.end() || !size->is_array() || size->size() != 2) return std::nullopt;
  const auto extent = [&](std::size_t i) -> std::size_t {
    const Json& value = (*size)[i];
    if (!value.is_number_integer() || value < 1) return 0;
    return std::min<std::size_t>(value.get<std::size_t>(), 1 << 24);
  };
  if (extent(0) == 0 || extent(1) == 0) return std::nullopt;
  return Block{extent(0), extent(1)};
}

class Unpacker {
 public:
  Unpacker(Checkpoint& checkpoint, std::optional<Block> block) : checkpoint_(checkpoint), block_(block) {}

  Result<void> run() {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : checkpoint_.others) {
      if (tensor.format == "F8_E4M3" || tensor.format == "F8_E5M2") names.push_back(name);
    }
    for (const std::string& name : names) CONTINUO_TRY_VOID(unpack(name));
    return {};
  }

 private:
  Result<void> unpack(const std::string& name) {
    const OtherTensor& tensor = checkpoint_.others.find(name)->second;
    const std::size_t rank = tensor.shape.size();
    if (rank != 2 && rank != 3) {
      return model_error(tensor.file, fmt::format("tensor '{}' is stored as {} with {} extents, expected a matrix",
                                                  name, tensor.format, rank));
    }
    const Block matrix{tensor.shape[rank - 2], tensor.shape[rank - 1]};
    const std::size_t n_matrices = rank == 3 ? tensor.shape[0] : 1;
    const TensorView* scale = nullptr;
    std::string scale_name;
    for (const char* suffix : {"_scale_inv", "_scale"}) {
      scale_name = name + suffix;
      const auto found = checkpoint_.tensors.find(scale_name);
      if (found != checkpoint_.tensors.end()) {
        scale = &found->second;
        break;
      }
    }
    if (!scale) {
      return model_error(tensor.file, fmt::format("tensor '{}' is stored as {}, and there is no '{}_scale_inv'", name,
                                                  tensor.format, name));
    }
    CONTINUO_TRY(const Scales scales, scales_of(*scale, scale_name, n_matrices, matrix, block_));
    store(name, tensor, n_matrices, matrix, scales);
    checkpoint_.others.erase(name);
    checkpoint_.tensors.erase(scale_name);
    drop_activation_scales(name);
    return {};
  }

  void store(const std::string& name, const OtherTensor& tensor, std::size_t n_matrices, Block matrix,
             const Scales& scales) {
    static const std::array<float, 256> kE4m3 = values_of({4, 3}), kE5m2 = values_of({5, 2});
    const std::array<float, 256>& table = tensor.format == "F8_E4M3" ? kE4m3 : kE5m2;
    auto made = std::make_shared<std::vector<float>>(tensor.bytes.size());
    const std::size_t across = blocks_of(matrix.cols, scales.block.cols),
                      down = blocks_of(matrix.rows, scales.block.rows);
    for (std::size_t m = 0; m < n_matrices; ++m) {
      for (std::size_t r = 0; r < matrix.rows; ++r) {
        const std::size_t row = (m * matrix.rows + r) * matrix.cols;
        const float* const scale = scales.values.data() + (m * down + r / scales.block.rows) * across;
        for (std::size_t c = 0; c < matrix.cols; ++c) {
          (*made)[row + c] = table[std::to_integer<std::size_t>(tensor.bytes[row + c])] * scale[c / scales.block.cols];
        }
      }
    }
    const std::span<const std::byte> bytes = std::as_bytes(std::span(*made));
    checkpoint_.storage.push_back(Blob(bytes, std::move(made), tensor.file));
    checkpoint_.tensors[name] = {.format = Format::f32, .shape = tensor.shape, .bytes = bytes, .file = tensor.file};
  }

  // "X.weight" -> "X.input_scale" and the like.
  void drop_activation_scales(const std::string& name) {
    if (!name.ends_with(".weight")) return;
    const std::string module = name.substr(0, name.size() - std::string_view("weight").size());
    for (const char* suffix : {"input_scale", "activation_scale"}) checkpoint_.tensors.erase(module + suffix);
  }

  Checkpoint& checkpoint_;
  std::optional<Block> block_;
};

}  // namespace

Result<void> unpack_fp8(Checkpoint& checkpoint) {
  const auto quantization = checkpoint.config.find("quantization_config");
  if (quantization == checkpoint.config.end() || !quantization->is_object()) return {};
  const auto says = [&](const char* field, const char* value) {
    const auto found = quantization->find(field);
    return found != quantization->end() && *found == value;
  };
  const bool compressed = says("quant_method", "compressed-tensors") && says("format", "float-quantized");
  if (!says("quant_method", "fp8") && !compressed) return {};
  CONTINUO_TRY_VOID(Unpacker(checkpoint, stated_block(*quantization)).run());
  checkpoint.config.erase("quantization_config");
  return {};
}

}  // namespace continuo
