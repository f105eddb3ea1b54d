#include "model/hyper_parameters.h"

#include <fmt/format.h>

#include <vector>

#include "base/check.h"

namespace continuo {

namespace {

struct Names {
  std::string_view canonical;
  std::vector<std::string_view> in_files;  // the first is the one that messages suggest
};

// clang-format off
const std::vector<Names>& table() {
  static const std::vector<Names> names = {
      {"family", {"model_type"}},
      {"vocab_size", {"vocab_size"}},
      {"d_model", {"hidden_size", "n_embd"}},
      {"d_ff", {"intermediate_size", "n_inner"}},
      {"n_layers", {"num_hidden_layers", "n_layer"}},
      {"n_heads", {"num_attention_heads", "n_head"}},
      {"n_kv_heads", {"num_key_value_heads"}},
      {"head_dim", {"head_dim"}},
      {"context_length", {"max_position_embeddings", "n_positions", "n_ctx"}},
      {"activation", {"hidden_act", "activation_function"}},
      {"norm_eps", {"rms_norm_eps", "layer_norm_epsilon"}},
      {"attention_bias", {"attention_bias"}},
      {"mlp_bias", {"mlp_bias"}},
      {"tied_output", {"tie_word_embeddings"}},
      {"scale_by_head_dim", {"scale_attn_weights"}},
      {"scale_by_layer", {"scale_attn_by_inverse_layer_idx"}},
      {"use_window", {"use_sliding_window"}},
      {"cross_attention", {"add_cross_attention"}},
      {"quantization", {"quant_method"}},
      // Rotary positions: top level, or inside the section below.
      {"rope_section", {"rope_parameters", "rope_scaling"}},
      {"rope_type", {"rope_type", "type"}},
      {"rope_theta", {"rope_theta"}},
      {"partial_rotary_factor", {"partial_rotary_factor"}},
      {"rope_factor", {"factor"}},
      {"original_context", {"original_max_position_embeddings"}},
      {"low_freq_factor", {"low_freq_factor"}},
      {"high_freq_factor", {"high_freq_factor"}},
      {"attention_factor", {"attention_factor"}},
      {"beta_fast", {"beta_fast"}},
      {"beta_slow", {"beta_slow"}},
      {"mscale", {"mscale"}},
      {"mscale_all_dim", {"mscale_all_dim"}},
      {"truncate", {"truncate"}},
  };
  return names;
}
// clang-format on

const Names& names_of(std::string_view canonical) {
  for (const Names& names : table()) {
    if (names.canonical == canonical) return names;
  }
  CONTINUO_CHECK(false, "a hyper-parameter that the table does not name");
  return table().front();
}

// A value as a message shows it: short, whatever the file holds.
std::string shown(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr std::size_t kLongest = 60;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

}  // namespace

HyperParameters::HyperParameters(const Json& object, std::string file, std::string section)
    : object_(&object), file_(std::move(file)), section_(std::move(section)) {}

const Json* HyperParameters::raw(std::string_view field) const {
  const auto it = object_->find(field);
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

Result<std::optional<HyperParameters::Field>> HyperParameters::find(std::string_view name) const {
  std::optional<Field> found;
  for (const std::string_view field : names_of(name).in_files) {
    const Json* value = raw(field);
    if (!value) continue;
    if (found && *found->value != *value) {
      return model_error(file_,
                         fmt::format("'{0}{1}' is {2}, but '{0}{3}' is {4}", section_, found->name,
                                     shown(*found->value), field, shown(*value)),
                         "two names of the same thing; which is meant?");
    }
    if (!found) found = Field{field, value};
  }
  return found;
}

Result<HyperParameters::Field> HyperParameters::need(std::string_view name) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (field) return *field;
  std::string fields;
  for (const std::string_view alias : names_of(name).in_files) {
    fields += fmt::format("{}'{}{}'", fields.empty() ? "" : " or ", section_, alias);
  }
  return model_error(file_, fields + " is missing");
}

Error HyperParameters::wrong(const Field& field, std::string_view expected, std::string hint) const {
  return model_error(
      file_, fmt::format("'{}{}' is {}, expected {}", section_, field.name, shown(*field.value), expected),
      std::move(hint));
}

Error HyperParameters::wrong(std::string_view name, std::string_view expected, std::string hint) const {
  const auto field = need(name);
  return field ? wrong(*field, expected, std::move(hint)) : field.error();
}

Result<bool> HyperParameters::has(std::string_view name) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  return field.has_value();
}

Result<int> HyperParameters::as_count(const Field& field, int largest) const {
  if (field.value->is_number_integer()) {
    const auto number = field.value->get<std::int64_t>();  // 2^63 and more turn negative
    if (number >= 1 && number <= largest) return static_cast<int>(number);
  }
  return wrong(field, fmt::format("a whole number from 1 to {}", largest));
}

Result<double> HyperParameters::as_number(const Field& field, const NumberRange& range) const {
  if (field.value->is_number()) {
    const double number = field.value->get<double>();
    if (number >= range.least && number <= range.largest) return number;
  }
  return wrong(field, range.text);
}

Result<std::string> HyperParameters::as_text(const Field& field) const {
  if (!field.value->is_string()) return wrong(field, "a string");
  return field.value->get<std::string>();
}

Result<int> HyperParameters::count(std::string_view name, int largest) const {
  CONTINUO_TRY(const Field field, need(name));
  return as_count(field, largest);
}

Result<int> HyperParameters::count_or(std::string_view name, int fallback) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return fallback;
  return as_count(*field, kLargest);
}

Result<double> HyperParameters::number(std::string_view name, const NumberRange& range) const {
  CONTINUO_TRY(const Field field, need(name));
  return as_number(field, range);
}

Result<double> HyperParameters::number_or(std::string_view name, double fallback,
                                          const NumberRange& range) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return fallback;
  return as_number(*field, range);
}

Result<bool> HyperParameters::flag_or(std::string_view name, bool fallback) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return fallback;
  if (!field->value->is_boolean()) return wrong(*field, "true or false");
  return field->value->get<bool>();
}

Result<std::string> HyperParameters::text(std::string_view name) const {
  CONTINUO_TRY(const Field field, need(name));
  return as_text(field);
}

Result<std::string> HyperParameters::text_or(std::string_view name, std::string fallback) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return fallback;
  return as_text(*field);
}

Result<HyperParameters> HyperParameters::section(std::string_view name) const {
  static const Json empty = Json::object();
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return HyperParameters(empty, file_, section_);
  if (!field->value->is_object()) return wrong(*field, "an object");
  for (const auto& [inner, value] : field->value->items()) {
    if (value.is_object()) {
      return model_error(
          file_, fmt::format("'{}{}.{}' is an object, expected plain values", section_, field->name, inner),
          "values that differ from layer to layer are not supported");
    }
  }
  return HyperParameters(*field->value, file_, fmt::format("{}{}.", section_, field->name));
}

}  // namespace continuo
