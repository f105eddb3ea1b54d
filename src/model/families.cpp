#include "model/families.h"

#include <fmt/format.h>

#include <array>

namespace continuo {

extern const Family kGpt2;
extern const Family kLlama;
extern const Family kQwen2;

namespace {

constexpr std::array<const Family*, 3> kFamilies = {&kGpt2, &kLlama, &kQwen2};

struct ActivationName {
  std::string_view name;
  Activation activation;
};

// gelu_fast and gelu_accurate differ from gelu_new in how they are written down, not in their value.
constexpr std::array<ActivationName, 10> kActivations = {{
    {"silu", Activation::silu},
    {"swish", Activation::silu},
    {"gelu", Activation::gelu_erf},
    {"gelu_python", Activation::gelu_erf},
    {"gelu_new", Activation::gelu_tanh},
    {"gelu_fast", Activation::gelu_tanh},
    {"gelu_accurate", Activation::gelu_tanh},
    {"gelu_pytorch_tanh", Activation::gelu_tanh},
    {"gelu_python_tanh", Activation::gelu_tanh},
    {"relu", Activation::relu},
}};

}  // namespace

std::span<const Family* const> families() { return kFamilies; }

const Family* find_family(std::string_view model_type) {
  for (const Family* family : kFamilies) {
    if (family->model_type == model_type) return family;
  }
  return nullptr;
}

Result<Activation> activation(const HyperParameters& parameters, std::string fallback) {
  CONTINUO_TRY(const std::string name, parameters.text_or("activation", std::move(fallback)));
  std::string known;
  for (const ActivationName& row : kActivations) {
    if (row.name == name) return row.activation;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", row.name);
  }
  return parameters.wrong("activation", "one of " + known);
}

Result<ModelSpec> plain_spec(const HyperParameters& parameters, bool tied_by_default) {
  ModelSpec spec;
  CONTINUO_TRY(spec.vocab_size, parameters.count("vocab_size"));
  CONTINUO_TRY(spec.d_model, parameters.count("d_model"));
  CONTINUO_TRY(spec.context_length, parameters.count("context_length"));
  CONTINUO_TRY(spec.tied_output, parameters.flag_or("tied_output", tied_by_default));
  return spec;
}

Result<int> even_head_dim(const HyperParameters& parameters, int d_model, int n_heads) {
  if (d_model % n_heads != 0) {
    return parameters.wrong("n_heads", fmt::format("a divisor of the model's width {}", d_model));
  }
  return d_model / n_heads;
}

}  // namespace continuo
