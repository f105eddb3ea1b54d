// Tensors of a model's parts on their way into a GGUF file: the other way round than bind_parts.h.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "io/gguf_writer.h"
#include "model/families.h"
#include "model/spec.h"
#include "model/tensor_names.h"
#include "model/weights.h"

namespace continuo {

// The outputs of a linear map, row by row, and its bias.
struct MapRows {
  std::size_t rows = 0, cols = 0;
  std::function<void(std::size_t r, float* values)> row;
  std::vector<float> bias;  // empty or `rows` long
};

// What points into weights must not outlive them.
MapRows rows_of(const Matrix& matrix);
MapRows rows_of(const Linear& map);
// All of them, one after the other.
MapRows joined(std::vector<MapRows> parts);
// So many rows: row r is row from(r) of `rows`.
MapRows picked(MapRows rows, std::size_t count, std::function<std::size_t(std::size_t)> from);
// Row r times by(r), its bias as well.
MapRows scaled(MapRows rows, std::function<float(std::size_t)> by);
// Each row's values in another order: value c is value from(c).
MapRows with_columns(MapRows rows, std::function<std::size_t(std::size_t)> from);

class PartExporter {
 public:
  // All must outlive what is written.
  PartExporter(const Family& family, const ModelSpec& spec, GgufWriter& into);

  const GgufNames& gguf() const { return gguf_; }
  const ModelSpec& spec() const { return spec_; }
  bool named(Role role) const;

  // Each does nothing where there is nothing to write.
  void map(Role weight, Role bias, const TensorPlace& place, const MapRows& rows);
  void map(Role weight, const TensorPlace& place, const MapRows& rows) { map(weight, weight, place, rows); }
  // Matrices of one size in one tensor, the first outermost.
  void stack(Role role, const TensorPlace& place, const std::vector<MapRows>& matrices);
  void values(Role role, const TensorPlace& place, std::vector<std::size_t> shape, std::vector<float> values);
  void norm(Role weight, Role bias, const TensorPlace& place, const std::optional<NormSpec>& spec,
            const NormWeights& norm);
  // The filters of a causal convolution, as the weights have them: rows of `channels`.
  void filters(Role role, const TensorPlace& place, std::size_t channels, const std::vector<float>& by_tap,
               const std::function<std::size_t(std::size_t)>& channel = {});

  void refuse(std::string_view what, const TensorPlace& place);
  // What GGUF has no name for: "layer 3 attention gate"; empty if there is nothing.
  const std::string& nameless() const { return nameless_; }

 private:
  std::string name_of(Role role, const TensorPlace& place);

  const GgufNames& gguf_;
  const ModelSpec& spec_;
  std::vector<TensorName> names_;
  GgufWriter& into_;
  std::set<std::string> used_;
  std::string nameless_;
};

// The tensors of one part of the layer at `place`; its results are multiplied by `scale` where the family's files fold
// multipliers into weights.
void export_mixer(PartExporter& exporter, const TensorPlace& place, const MixerSpec& spec, const MixerWeights& weights,
                  float scale = 1);
void export_ffn(PartExporter& exporter, const TensorPlace& place, const FfnSpec& spec, const FfnWeights& weights);

}  // namespace continuo
