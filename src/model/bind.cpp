#include "model/bind.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>

#include "base/check.h"

namespace continuo {

namespace {

constexpr std::array<std::string_view, 46> kRoles = {"embedding",
                                                     "embedding norm",
                                                     "embedding norm bias",
                                                     "embedding widening",
                                                     "learned positions",
                                                     "mixer norm",
                                                     "mixer norm bias",
                                                     "mixer out norm",
                                                     "attention q",
                                                     "attention q bias",
                                                     "attention k",
                                                     "attention k bias",
                                                     "attention v",
                                                     "attention v bias",
                                                     "attention qkv",
                                                     "attention qkv bias",
                                                     "attention q norm",
                                                     "attention q norm bias",
                                                     "attention k norm",
                                                     "attention k norm bias",
                                                     "attention out",
                                                     "attention out bias",
                                                     "feed-forward norm",
                                                     "feed-forward norm bias",
                                                     "feed-forward out norm",
                                                     "feed-forward gate and up",
                                                     "feed-forward gate",
                                                     "feed-forward gate bias",
                                                     "feed-forward up",
                                                     "feed-forward up bias",
                                                     "feed-forward down",
                                                     "feed-forward down bias",
                                                     "router",
                                                     "expert gate",
                                                     "expert up",
                                                     "expert down",
                                                     "expert gate and up",
                                                     "shared expert gate",
                                                     "shared expert up",
                                                     "shared expert down",
                                                     "shared expert router",
                                                     "final norm",
                                                     "final norm bias",
                                                     "output narrowing",
                                                     "output",
                                                     "output bias"};
static_assert(kRoles.size() == static_cast<std::size_t>(Role::output_bias) + 1);

using LayerNumber = std::optional<std::size_t>;

std::string role_text(Role role, LayerNumber layer) {
  const std::string_view text = kRoles[static_cast<std::size_t>(role)];
  return layer ? fmt::format("layer {} {}", *layer, text) : std::string(text);
}

std::string shape_text(std::span<const std::size_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

// The name in the file: "*" at the start becomes the prefix, "#" the layer's number.
std::string file_name(std::string_view pattern, std::string_view prefix, LayerNumber layer) {
  std::string name;
  for (const char c : pattern) {
    if (c == '*')
      name += prefix;
    else if (c == '#')
      name += std::to_string(layer.value_or(0));
    else
      name += c;
  }
  return name;
}

// The same the other way round; "#" stands for any digits.
bool matches(std::string_view pattern, std::string_view prefix, std::string_view name) {
  while (!pattern.empty()) {
    const char c = pattern.front();
    pattern.remove_prefix(1);
    if (c == '*') {
      if (!name.starts_with(prefix)) return false;
      name.remove_prefix(prefix.size());
    } else if (c == '#') {
      const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
      if (digits == 0) return false;
      name.remove_prefix(digits);
    } else {
      if (name.empty() || name.front() != c) return false;
      name.remove_prefix(1);
    }
  }
  return name.empty();
}

// `count` outputs of `whole`, from output `first`: the same bytes, seen through a window.
Matrix outputs_of(const Matrix& whole, std::size_t first, std::size_t count) {
  Matrix part = whole;
  part.rows = count;
  part.data += stored_bytes(whole.format, whole.layout == Layout::out_major ? first * whole.stride : first);
  return part;
}

class Binder {
 public:
  Binder(const Family& family, const ModelSpec& spec, const Checkpoint& checkpoint)
      : family_(family), spec_(spec), checkpoint_(checkpoint) {}

  Result<BoundWeights> run() {
    choose_prefix();
    Weights& weights = bound_.weights;
    const auto d_model = static_cast<std::size_t>(spec_.d_model);
    const auto vocab_size = static_cast<std::size_t>(spec_.vocab_size);
    CONTINUO_TRY_VOID(matrix(Role::embedding, {}, vocab_size, d_model, weights.embedding));
    if (const auto* learned = std::get_if<LearnedPositions>(&spec_.positions)) {
      const auto count = static_cast<std::size_t>(learned->count) + static_cast<std::size_t>(learned->offset);
      CONTINUO_TRY_VOID(matrix(Role::learned_positions, {}, count, d_model, weights.learned_positions));
    }
    for (std::size_t i = 0; i < spec_.layers.size(); ++i) {
      weights.layers.emplace_back();
      CONTINUO_TRY_VOID(layer(i, spec_.layers[i], weights.layers.back()));
    }
    CONTINUO_TRY_VOID(
        norm(Role::final_norm, Role::final_norm_bias, {}, spec_.final_norm, weights.final_norm));
    CONTINUO_TRY_VOID(output());
    CONTINUO_TRY_VOID(nothing_is_left());
    return std::move(bound_);
  }

 private:
  Result<void> layer(std::size_t i, const LayerSpec& spec, LayerWeights& into) {
    CONTINUO_TRY_VOID(norm(Role::mixer_norm, Role::mixer_norm_bias, i, spec.mixer_norm, into.mixer_norm));
    CONTINUO_TRY_VOID(
        attention(i, std::get<AttentionSpec>(spec.mixer), into.mixer.emplace<AttentionWeights>()));
    CONTINUO_TRY_VOID(norm(Role::feed_norm, Role::feed_norm_bias, i, spec.feed_norm, into.feed_norm));
    return feed(i, std::get<FeedForwardSpec>(spec.feed), into.feed.emplace<FeedForwardWeights>());
  }

  Result<void> attention(std::size_t i, const AttentionSpec& spec, AttentionWeights& into) {
    const auto d_model = static_cast<std::size_t>(spec_.d_model);
    const auto head_dim = static_cast<std::size_t>(spec.head_dim);
    const std::size_t q_rows = static_cast<std::size_t>(spec.n_heads) * head_dim;
    const std::size_t kv_rows = static_cast<std::size_t>(spec.n_kv_heads) * head_dim;
    if (names(Role::attention_qkv)) {
      Linear all;
      CONTINUO_TRY_VOID(linear(Role::attention_qkv, Role::attention_qkv_bias, i, spec.qkv_bias,
                               {q_rows + 2 * kv_rows, d_model}, all));
      into.q = part_of(all, 0, q_rows);
      into.k = part_of(all, q_rows, kv_rows);
      into.v = part_of(all, q_rows + kv_rows, kv_rows);
    } else {
      CONTINUO_TRY_VOID(
          linear(Role::attention_q, Role::attention_q_bias, i, spec.qkv_bias, {q_rows, d_model}, into.q));
      CONTINUO_TRY_VOID(
          linear(Role::attention_k, Role::attention_k_bias, i, spec.qkv_bias, {kv_rows, d_model}, into.k));
      CONTINUO_TRY_VOID(
          linear(Role::attention_v, Role::attention_v_bias, i, spec.qkv_bias, {kv_rows, d_model}, into.v));
    }
    return linear(Role::attention_out, Role::attention_out_bias, i, spec.out_bias, {d_model, q_rows},
                  into.out);
  }

  Result<void> feed(std::size_t i, const FeedForwardSpec& spec, FeedForwardWeights& into) {
    const auto d_model = static_cast<std::size_t>(spec_.d_model);
    const auto d_ff = static_cast<std::size_t>(spec.d_ff);
    if (spec.gated) {
      CONTINUO_TRY_VOID(
          linear(Role::feed_gate, Role::feed_gate_bias, i, spec.bias, {d_ff, d_model}, into.gate));
    }
    CONTINUO_TRY_VOID(linear(Role::feed_up, Role::feed_up_bias, i, spec.bias, {d_ff, d_model}, into.up));
    return linear(Role::feed_down, Role::feed_down_bias, i, spec.bias, {d_model, d_ff}, into.down);
  }

  Result<void> norm(Role weight, Role bias, LayerNumber layer, const std::optional<NormSpec>& spec,
                    NormWeights& into) {
    if (!spec) return {};
    const auto d_model = static_cast<std::size_t>(spec_.d_model);
    CONTINUO_TRY_VOID(vector(weight, layer, d_model, into.weight));
    const auto* layer_norm = std::get_if<LayerNormSpec>(&*spec);
    if (layer_norm && layer_norm->bias) return vector(bias, layer, d_model, into.bias);
    return {};
  }

  struct Size {
    std::size_t rows, cols;
  };
  Result<void> linear(Role weight, Role bias, LayerNumber layer, bool has_bias, Size size, Linear& into) {
    CONTINUO_TRY_VOID(matrix(weight, layer, size.rows, size.cols, into.weight));
    if (has_bias) return vector(bias, layer, size.rows, into.bias);
    return {};
  }

  static Linear part_of(const Linear& all, std::size_t first, std::size_t count) {
    Linear part{outputs_of(all.weight, first, count), {}};
    if (!all.bias.empty()) {
      const auto begin = all.bias.begin() + static_cast<std::ptrdiff_t>(first);
      part.bias.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    }
    return part;
  }

  // A tied output may stand in the file a second time; then it must be the embedding, bit for bit.
  Result<void> output() {
    const auto d_model = static_cast<std::size_t>(spec_.d_model);
    const auto vocab_size = static_cast<std::size_t>(spec_.vocab_size);
    Matrix& into = bound_.weights.output.weight;
    if (!spec_.tied_output) {
      const auto bound = matrix(Role::output, {}, vocab_size, d_model, into);
      if (bound || used_.count(name_of(Role::output, {}))) return bound;
      Error error = bound.error();
      error.hint = "if the output is the embedding, config.json should say \"tie_word_embeddings\": true";
      return error;
    }
    into = bound_.weights.embedding;
    const std::string name = name_of(Role::output, {});
    if (!checkpoint_.tensors.count(name) && !checkpoint_.others.count(name)) return {};
    Matrix again;
    CONTINUO_TRY_VOID(matrix(Role::output, {}, vocab_size, d_model, again));
    const TensorView& tensor = checkpoint_.tensors.find(name)->second;
    bound_.bytes -= tensor.bytes.size();
    bound_.tensors.back().role = "output (the embedding again)";
    if (again.format == into.format && std::memcmp(again.data, into.data, tensor.bytes.size()) == 0)
      return {};
    return model_error(tensor.file,
                       fmt::format("tensor '{}' differs from the embedding, to which it is tied", name),
                       "should config.json say \"tie_word_embeddings\": false?");
  }

  Result<void> matrix(Role role, LayerNumber layer, std::size_t rows, std::size_t cols, Matrix& into) {
    const Layout layout = name_for(role).layout;
    const std::array<std::size_t, 2> shape =
        layout == Layout::out_major ? std::array{rows, cols} : std::array{cols, rows};
    CONTINUO_TRY(const TensorView* tensor, take(role, layer, shape));
    into = {.data = tensor->bytes.data(),
            .format = tensor->format,
            .layout = layout,
            .rows = rows,
            .cols = cols,
            .stride = shape[1]};
    return {};
  }

  Result<void> vector(Role role, LayerNumber layer, std::size_t n, std::vector<float>& into) {
    CONTINUO_TRY(const TensorView* tensor, take(role, layer, std::array{n}));
    into.resize(n);
    format_info(tensor->format).to_float(tensor->bytes.data(), into.data(), n);
    return {};
  }

  // The tensor of a role, which must be there in that shape.
  Result<const TensorView*> take(Role role, LayerNumber layer, std::span<const std::size_t> shape) {
    const std::string name = name_of(role, layer);
    const auto describe = [&] { return fmt::format("tensor '{}' ({})", name, role_text(role, layer)); };
    if (const auto it = checkpoint_.others.find(name); it != checkpoint_.others.end()) {
      used_.insert(name);
      return model_error(it->second.file, fmt::format("{} is stored as {}", describe(), it->second.format),
                         "F32, F16 and BF16 can be run");
    }
    const auto it = checkpoint_.tensors.find(name);
    if (it == checkpoint_.tensors.end()) {
      return model_error(checkpoint_.name, describe() + " is missing", "config.json says that there is one");
    }
    used_.insert(name);
    const TensorView& tensor = it->second;
    if (!std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end())) {
      return model_error(tensor.file,
                         fmt::format("{} has shape {}, expected {}", describe(), shape_text(tensor.shape),
                                     shape_text(shape)),
                         "do config.json and the weights belong together?");
    }
    bound_.tensors.push_back(
        {name, role_text(role, layer), tensor.format, tensor.shape, tensor.bytes.size()});
    bound_.bytes += tensor.bytes.size();
    return &tensor;
  }

  const TensorName& name_for(Role role) const {
    const TensorName* tensor = names(role);
    CONTINUO_CHECK(tensor, "the family's spec implies a tensor that its list does not name");
    return *tensor;
  }

  const TensorName* names(Role role) const {
    const auto it = std::find_if(family_.tensors.begin(), family_.tensors.end(),
                                 [role](const TensorName& t) { return t.role == role; });
    return it == family_.tensors.end() ? nullptr : &*it;
  }

  std::string name_of(Role role, LayerNumber layer) const {
    return file_name(name_for(role).name, prefix_, layer);
  }

  void choose_prefix() {
    for (const std::string_view prefix : family_.prefixes) {
      const std::string name = file_name(name_for(Role::embedding).name, prefix, {});
      if (checkpoint_.tensors.count(name) || checkpoint_.others.count(name)) {
        prefix_ = prefix;
        return;
      }
    }
    prefix_ = family_.prefixes.front();
  }

  bool is_ignored(std::string_view name) const {
    return std::any_of(family_.ignored.begin(), family_.ignored.end(),
                       [&](std::string_view pattern) { return matches(pattern, prefix_, name); });
  }

  Result<void> nothing_is_left() const {
    constexpr std::size_t kShown = 3;
    std::vector<std::string> left;
    std::string file;
    const auto collect = [&](const auto& tensors) {
      for (const auto& [name, tensor] : tensors) {
        if (used_.count(name) || is_ignored(name)) continue;
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
    return model_error(file,
                       fmt::format("{} for which this {} has no place: {}{}",
                                   count == 1 ? "a tensor" : fmt::format("{} tensors", count),
                                   family_.model_type, fmt::join(left, ", "), more),
                       "the text would not be the model's; is config.json the right one?");
  }

  const Family& family_;
  const ModelSpec& spec_;
  const Checkpoint& checkpoint_;
  std::string_view prefix_;
  std::set<std::string> used_;
  BoundWeights bound_;
};

}  // namespace

Result<BoundWeights> bind_weights(const Family& family, const ModelSpec& spec, const Checkpoint& checkpoint) {
  return Binder(family, spec, checkpoint).run();
}

}  // namespace continuo
