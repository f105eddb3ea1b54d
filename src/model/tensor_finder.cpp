#include "model/tensor_finder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <vector>

#include "base/check.h"
#include "io/checkpoint.h"
#include "model/wrappers.h"

namespace continuo {

namespace {

std::string shape_text(std::span<const std::size_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

// `shape` without its extents of one.
std::vector<std::size_t> without_units(std::span<const std::size_t> shape) {
  std::vector<std::size_t> kept;
  std::ranges::copy_if(shape, std::back_inserter(kept), [](std::size_t extent) { return extent != 1; });
  return kept;
}

Matrix view(const TensorView& tensor, Layout layout, std::size_t rows, std::size_t cols) {
  return {.data = tensor.bytes.data(),
          .format = tensor.format,
          .layout = layout,
          .rows = rows,
          .cols = cols,
          .stride = layout == Layout::row_major ? cols : rows};
}

}  // namespace

TensorFinder::TensorFinder(const TensorNames& names, const Checkpoint& checkpoint, std::string_view outer,
                           std::span<const OtherPart> others)
    : names_(names), checkpoint_(checkpoint), outer_(outer), others_(others), prefix_(choose_prefix()) {}

std::string_view TensorFinder::choose_prefix() const {
  for (const std::string_view prefix : names_.prefixes) {
    for (const TensorName& tensor : names_.tensors) {
      if (tensor.role == Role::embedding && stored(file_name(tensor.name, prefix, {}))) return prefix;
    }
  }
  return names_.prefixes.front();
}

bool TensorFinder::stored(const std::string& name) const {
  return checkpoint_.tensors.count(name) || checkpoint_.others.count(name);
}

std::string TensorFinder::name_of(const TensorName& name, const TensorPlace& place) const {
  std::string in_file = file_name(name.name, prefix_, place);
  return name.name.starts_with('*') ? in_file : std::string(outer_) + in_file;
}

// The first of the role's names that is there, else the first.
const TensorName* TensorFinder::find(Role role, const TensorPlace& place) const {
  const TensorName* first = nullptr;
  for (const TensorName& tensor : names_.tensors) {
    if (tensor.role != role) continue;
    if (stored(name_of(tensor, place))) return &tensor;
    if (!first) first = &tensor;
  }
  return first;
}

Result<const TensorName*> TensorFinder::need(Role role, const TensorPlace& place) const {
  if (const TensorName* name = find(role, place)) return name;
  return model_error(
      checkpoint_.config_file.empty() ? checkpoint_.name : checkpoint_.config_file,
      fmt::format("its settings ask for {}, which models of this kind do not have", role_text(role, place)));
}

bool TensorFinder::named(Role role) const { return find(role, {}) != nullptr; }

bool TensorFinder::stored(Role role, const TensorPlace& place) const {
  const TensorName* name = find(role, place);
  return name && stored(name_of(*name, place));
}

std::size_t TensorFinder::rank(Role role, const TensorPlace& place) const {
  const TensorName* name = find(role, place);
  const auto tensor = name ? checkpoint_.tensors.find(name_of(*name, place)) : checkpoint_.tensors.end();
  if (tensor == checkpoint_.tensors.end()) return 0;
  return without_units(tensor->second.shape).size();
}

std::size_t TensorFinder::first_extent(Role role, const TensorPlace& place) const {
  const TensorName* name = find(role, place);
  const auto tensor = name ? checkpoint_.tensors.find(name_of(*name, place)) : checkpoint_.tensors.end();
  return tensor == checkpoint_.tensors.end() || tensor->second.shape.empty() ? 0 : tensor->second.shape.front();
}

bool TensorFinder::stored_per_part(Role role, const TensorPlace& place) const {
  const TensorName* const name = find(role, place);
  return name && name->name.find('@') != std::string_view::npos;
}

Result<Matrix> TensorFinder::matrix(Role role, const TensorPlace& place, std::size_t rows, std::size_t cols) {
  CONTINUO_TRY(const TensorName* named, need(role, place));
  const Layout layout = named->layout;
  const auto shape = layout == Layout::row_major ? std::array{rows, cols} : std::array{cols, rows};
  CONTINUO_TRY(const TensorView* tensor, take(role, place, shape));
  return view(*tensor, layout, rows, cols);
}

Result<std::vector<Matrix>> TensorFinder::stack(Role role, const TensorPlace& place, std::size_t count,
                                                std::size_t rows, std::size_t cols) {
  CONTINUO_TRY(const TensorName* named, need(role, place));
  const Layout layout = named->layout;
  const auto shape = layout == Layout::row_major ? std::array{count, rows, cols} : std::array{count, cols, rows};
  CONTINUO_TRY(const TensorView* tensor, take(role, place, shape));
  std::vector<Matrix> parts(count, view(*tensor, layout, rows, cols));
  for (std::size_t i = 0; i < count; ++i) parts[i].data += stored_bytes(tensor->format, i * rows * cols);
  return parts;
}

Result<std::vector<float>> TensorFinder::values(Role role, const TensorPlace& place,
                                                std::span<const std::size_t> shape) {
  return converted(role, place, shape, true);
}

Result<std::vector<float>> TensorFinder::squeezed_values(Role role, const TensorPlace& place,
                                                         std::span<const std::size_t> shape) {
  return converted(role, place, shape, false);
}

Result<std::vector<float>> TensorFinder::converted(Role role, const TensorPlace& place,
                                                   std::span<const std::size_t> shape, bool units_matter) {
  CONTINUO_TRY(const TensorView* tensor, take(role, place, shape, units_matter));
  std::size_t n = 1;
  for (const std::size_t extent : shape) n *= extent;
  std::vector<float> out(n);
  format_info(tensor->format).to_float(tensor->bytes.data(), out.data(), n);
  return out;
}

// The tensor of a role, which must be there in that shape.
Result<const TensorView*> TensorFinder::take(Role role, const TensorPlace& place, std::span<const std::size_t> shape,
                                             bool units_matter) {
  CONTINUO_TRY(const TensorName* named, need(role, place));
  const std::string name = name_of(*named, place);
  const auto describe = [&] { return fmt::format("tensor '{}' ({})", name, role_text(role, place)); };
  if (const auto it = checkpoint_.others.find(name); it != checkpoint_.others.end()) {
    return model_error(it->second.file, fmt::format("{} is stored as {}", describe(), it->second.format),
                       checkpoint_.is_gguf ? "weights in that format cannot be run" : "F32, F16 and BF16 can be run");
  }
  const auto it = checkpoint_.tensors.find(name);
  if (it == checkpoint_.tensors.end()) {
    return model_error(
        checkpoint_.name, describe() + " is missing",
        checkpoint_.is_gguf ? "the file's metadata says that there is one" : "config.json says that there is one");
  }
  const TensorView& tensor = it->second;
  const bool same = units_matter ? std::ranges::equal(shape, tensor.shape)
                                 : std::ranges::equal(without_units(shape), without_units(tensor.shape));
  if (!same) {
    return model_error(
        tensor.file,
        fmt::format("{} has shape {}, expected {}", describe(), shape_text(tensor.shape), shape_text(shape)),
        checkpoint_.is_gguf ? "" : "do config.json and the weights belong together?");
  }
  const bool first_use = used_.insert(name).second;
  CONTINUO_CHECK(first_use, "a tensor that two roles claim");
  uses_.push_back({name, role_text(role, place), tensor.format, tensor.shape, tensor.bytes.size()});
  bytes_ += tensor.bytes.size();
  return &tensor;
}

Result<const std::byte*> TensorFinder::bytes_of(Role role, const TensorPlace& place,
                                                std::span<const std::size_t> shape) {
  CONTINUO_TRY(const TensorName* named, need(role, place));
  const std::string name = name_of(*named, place);
  const auto it = checkpoint_.others.find(name);
  if (it == checkpoint_.others.end()) {
    if (checkpoint_.tensors.count(name)) return unreadable(role, place, "U8 is expected");
    return model_error(checkpoint_.name, fmt::format("tensor '{}' ({}) is missing", name, role_text(role, place)));
  }
  const OtherTensor& tensor = it->second;
  std::size_t count = 1;
  for (const std::size_t extent : shape) count *= extent;
  if (!std::ranges::equal(shape, tensor.shape) || tensor.format != "U8" || tensor.bytes.size() != count) {
    return model_error(tensor.file,
                       fmt::format("tensor '{}' ({}) is {} {}, expected U8 {}", name, role_text(role, place),
                                   tensor.format, shape_text(tensor.shape), shape_text(shape)));
  }
  used_.insert(name);
  uses_.push_back({name, role_text(role, place), Format::mxfp4, tensor.shape, tensor.bytes.size()});
  bytes_ += tensor.bytes.size();
  return tensor.bytes.data();
}

Error TensorFinder::unreadable(Role role, const TensorPlace& place, std::string hint) const {
  const TensorName* const named = find(role, place);
  CONTINUO_CHECK(named, "a tensor that was found has a name");
  const std::string name = name_of(*named, place);
  const auto it = checkpoint_.tensors.find(name);
  const bool found = it != checkpoint_.tensors.end();
  return model_error(found ? it->second.file : checkpoint_.name,
                     fmt::format("tensor '{}' ({}) is stored as {}", name, role_text(role, place),
                                 found ? format_info(it->second.format).name : "another format"),
                     std::move(hint));
}

Error TensorFinder::wrong(Role role, const TensorPlace& place, std::string_view what) const {
  const std::string name = name_of(*find(role, place), place);
  const auto found = checkpoint_.tensors.find(name);
  return model_error(found == checkpoint_.tensors.end() ? checkpoint_.name : found->second.file,
                     fmt::format("tensor '{}' ({}) {}", name, role_text(role, place), what));
}

Result<void> TensorFinder::tied_output(const Matrix& embedding) {
  tied_ = true;
  if (!stored(Role::output, {})) return {};
  CONTINUO_TRY(const Matrix again, matrix(Role::output, {}, embedding.rows, embedding.cols));
  TensorUse& use = uses_.back();
  use.role = "output (the embedding again)";
  bytes_ -= use.bytes;
  if (again.format == embedding.format && std::memcmp(again.data, embedding.data, use.bytes) == 0) return {};
  return model_error(checkpoint_.tensors.find(use.name)->second.file,
                     fmt::format("tensor '{}' differs from the embedding, to which it is tied", use.name),
                     "should config.json say \"tie_word_embeddings\": false?");
}

// Tables of the rotation's angles, which older files carry in every family, are computed here.
bool TensorFinder::is_ignored(std::string_view name) const {
  constexpr std::array<std::string_view, 4> kTables = {"rotary_emb.inv_freq", "rotary_emb.original_inv_freq",
                                                       "rotary_emb.cos_cached", "rotary_emb.sin_cached"};
  const bool table =
      std::any_of(kTables.begin(), kTables.end(), [&](std::string_view end) { return name.ends_with(end); });
  return table || std::any_of(names_.ignored.begin(), names_.ignored.end(),
                              [&](std::string_view pattern) { return matches(pattern, prefix_, name); });
}

const OtherPart* TensorFinder::other_part(std::string_view name) const {
  const auto found = std::find_if(others_.begin(), others_.end(),
                                  [&](const OtherPart& part) { return name.starts_with(part.prefix); });
  return found == others_.end() ? nullptr : &*found;
}

std::vector<LeftOut> TensorFinder::left_out() const {
  std::vector<LeftOut> all;
  const auto collect = [&](const auto& tensors) {
    for (const auto& [name, tensor] : tensors) {
      const OtherPart* const part = used_.count(name) ? nullptr : other_part(name);
      if (!part) continue;
      auto found =
          std::find_if(all.begin(), all.end(), [&](const LeftOut& left) { return left.prefix == part->prefix; });
      if (found == all.end()) found = all.insert(all.end(), {std::string(part->prefix), std::string(part->what)});
      ++found->tensors;
      found->bytes += tensor.bytes.size();
    }
  };
  collect(checkpoint_.tensors);
  collect(checkpoint_.others);
  return all;
}

bool TensorFinder::is_tied_output(std::string_view name) const {
  return tied_ && std::any_of(names_.tensors.begin(), names_.tensors.end(), [&](const TensorName& tensor) {
           return tensor.role == Role::output && matches(tensor.name, prefix_, name);
         });
}

Result<void> TensorFinder::check_absent() const {
  for (const auto& [name, part] : checkpoint_.absent) {
    if (is_ignored(name) || is_tied_output(name) || other_part(name)) continue;
    return model_error(checkpoint_.name, fmt::format("tensor '{}' should be in {}, but is not", name, part),
                       "do all parts belong to the same model?");
  }
  return {};
}

Result<void> TensorFinder::check_no_leftovers(std::string_view family) const {
  CONTINUO_TRY_VOID(check_absent());
  constexpr std::size_t kShown = 3;
  std::vector<std::string> left;
  std::string file;
  const auto collect = [&](const auto& tensors) {
    for (const auto& [name, tensor] : tensors) {
      if (used_.count(name) || is_ignored(name) || other_part(name)) continue;
      if (left.empty()) file = tensor.file;
      left.push_back(fmt::format("'{}'", name));
    }
  };
  collect(checkpoint_.tensors);
  collect(checkpoint_.others);
  if (left.empty()) return {};
  const std::size_t count = left.size();
  const std::string more = count > kShown ? fmt::format(" and {} more", count - kShown) : "";
  left.resize(std::min(count, kShown));
  return model_error(
      file,
      fmt::format("{} for which this {} has no place: {}{}", count == 1 ? "a tensor" : fmt::format("{} tensors", count),
                  family, fmt::join(left, ", "), more),
      checkpoint_.is_gguf ? "the text would not be the model's"
                          : "the text would not be the model's; is config.json the right one?");
}

}  // namespace continuo
