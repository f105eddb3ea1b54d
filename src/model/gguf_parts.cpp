#include "model/gguf_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "model/gguf.h"

namespace continuo {

MapRows rows_of(const Matrix& matrix) {
  if (!matrix.data) return {};
  const auto row = [w = matrix](std::size_t r, float* values) {
    const FormatInfo& info = format_info(w.format);
    if (w.layout == Layout::row_major)
      return info.to_float(w.data + stored_bytes(w.format, r * w.stride), values, w.cols);
    for (std::size_t c = 0; c < w.cols; ++c)
      info.to_float(w.data + stored_bytes(w.format, c * w.stride + r), values + c, 1);
  };
  return {.rows = matrix.rows, .cols = matrix.cols, .row = row, .bias = {}};
}

MapRows rows_of(const Linear& map) {
  MapRows rows = rows_of(map.weight);
  rows.bias = map.bias;
  return rows;
}

MapRows joined(std::vector<MapRows> parts) {
  MapRows all{.rows = 0, .cols = parts.front().cols, .row = {}, .bias = {}};
  for (const MapRows& part : parts) {
    all.rows += part.rows;
    all.bias.insert(all.bias.end(), part.bias.begin(), part.bias.end());
  }
  all.row = [parts = std::move(parts)](std::size_t r, float* values) {
    std::size_t part = 0;
    for (; r >= parts[part].rows; ++part) r -= parts[part].rows;
    parts[part].row(r, values);
  };
  return all;
}

MapRows picked(MapRows rows, std::size_t count, std::function<std::size_t(std::size_t)> from) {
  MapRows out{.rows = count, .cols = rows.cols, .row = {}, .bias = {}};
  if (!rows.bias.empty()) {
    for (std::size_t r = 0; r < count; ++r) out.bias.push_back(rows.bias[from(r)]);
  }
  out.row = [row = std::move(rows.row), from = std::move(from)](std::size_t r, float* values) { row(from(r), values); };
  return out;
}

MapRows scaled(MapRows rows, std::function<float(std::size_t)> by) {
  for (std::size_t r = 0; r < rows.bias.size(); ++r) rows.bias[r] *= by(r);
  const std::size_t cols = rows.cols;
  rows.row = [row = std::move(rows.row), by = std::move(by), cols](std::size_t r, float* values) {
    row(r, values);
    for (std::size_t c = 0; c < cols; ++c) values[c] *= by(r);
  };
  return rows;
}

MapRows with_columns(MapRows rows, std::function<std::size_t(std::size_t)> from) {
  const std::size_t cols = rows.cols;
  rows.row = [row = std::move(rows.row), from = std::move(from), cols](std::size_t r, float* values) {
    std::vector<float> stored(cols);
    row(r, stored.data());
    for (std::size_t c = 0; c < cols; ++c) values[c] = stored[from(c)];
  };
  return rows;
}

PartExporter::PartExporter(const Family& family, const ModelSpec& spec, GgufWriter& into)
    : gguf_(family.gguf), spec_(spec), names_(gguf_tensor_names(family)), into_(into) {}

bool PartExporter::named(Role role) const {
  return std::any_of(names_.begin(), names_.end(), [&](const TensorName& name) { return name.role == role; });
}

// The last of the role's names, which are for all parts in one tensor, that no other role has taken in this layer.
std::string PartExporter::name_of(Role role, const TensorPlace& place) {
  std::string name;
  for (const TensorName& each : names_) {
    if (each.role != role || each.name.find('@') != std::string_view::npos) continue;
    CONTINUO_CHECK(each.layout == Layout::row_major, "tensors of GGUF files are rows of outputs");
    std::string candidate = file_name(each.name, "", place);
    if (!used_.count(candidate)) name = std::move(candidate);
  }
  if (name.empty() && nameless_.empty()) nameless_ = role_text(role, place);
  used_.insert(name);
  return name;
}

void PartExporter::refuse(std::string_view what, const TensorPlace& place) {
  if (nameless_.empty()) nameless_ = place.layer ? fmt::format("layer {} {}", *place.layer, what) : std::string(what);
}

void PartExporter::map(Role weight, Role bias, const TensorPlace& place, const MapRows& rows) {
  if (!rows.row) return;
  into_.add({.name = name_of(weight, place), .shape = {rows.rows, rows.cols}, .format = Format::f32, .row = rows.row});
  if (!rows.bias.empty()) values(bias, place, {rows.rows}, rows.bias);
}

void PartExporter::stack(Role role, const TensorPlace& place, const std::vector<MapRows>& matrices) {
  if (matrices.empty() || !matrices.front().row) return;
  const std::size_t rows = matrices.front().rows;
  into_.add({.name = name_of(role, place),
             .shape = {matrices.size(), rows, matrices.front().cols},
             .format = Format::f32,
             .row = [matrices, rows](std::size_t r, float* values) { matrices[r / rows].row(r % rows, values); }});
}

void PartExporter::values(Role role, const TensorPlace& place, std::vector<std::size_t> shape,
                          std::vector<float> values) {
  if (values.empty()) return;
  const std::size_t cols = shape.back();
  const auto kept = std::make_shared<const std::vector<float>>(std::move(values));
  into_.add({.name = name_of(role, place),
             .shape = std::move(shape),
             .format = Format::f32,
             .row = [kept, cols](std::size_t r, float* out) {
               std::copy_n(kept->begin() + static_cast<std::ptrdiff_t>(r * cols), cols, out);
             }});
}

void PartExporter::norm(Role weight, Role bias, const TensorPlace& place, const std::optional<NormSpec>& spec,
                        const NormWeights& norm) {
  if (!spec) return;
  const bool stored = std::visit([](const auto& kind) { return kind.weight; }, *spec);
  if (stored) values(weight, place, {norm.weight.size()}, norm.weight);
  values(bias, place, {norm.bias.size()}, norm.bias);
}

void PartExporter::filters(Role role, const TensorPlace& place, std::size_t channels, const std::vector<float>& by_tap,
                           const std::function<std::size_t(std::size_t)>& channel) {
  const std::size_t kernel = by_tap.size() / channels;
  std::vector<float> by_channel(by_tap.size());
  for (std::size_t c = 0; c < channels; ++c) {
    const std::size_t from = channel ? channel(c) : c;
    for (std::size_t k = 0; k < kernel; ++k) by_channel[c * kernel + k] = by_tap[k * channels + from];
  }
  values(role, place, {channels, kernel}, std::move(by_channel));
}

}  // namespace continuo
