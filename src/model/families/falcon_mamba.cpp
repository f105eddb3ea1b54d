// Falcon Mamba: Mamba whose dt, B and C are normalized. Zuo et al. 2024, arXiv:2410.05355.
#include "model/families/mamba.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> falcon_mamba(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, mamba_spec(p));
  CONTINUO_TRY(const double eps, p.number_or("inner_norm_eps", 1e-6, kZeroToOne));
  for (LayerSpec& layer : spec.layers) {
    std::get<MambaSpec>(layer.mixer).inner_norm = RmsNormSpec{.eps = static_cast<float>(eps), .weight = false};
  }
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({CONTINUO_BACKBONE_TENSORS, CONTINUO_MAMBA_TENSORS("mixer")});

// Converters write Falcon Mamba as Mamba, with a word on its norms.
bool is_falcon_mamba(const Checkpoint& file) {
  const Json* const normalizes = gguf_value(file, "ssm.dt_b_c_rms");
  return normalizes && *normalizes == true;
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  into.set("ssm.dt_b_c_rms", std::get<MambaSpec>(spec.layers.front().mixer).inner_norm.has_value());
}

}  // namespace

extern const Family kFalconMamba;  // the list's
const Family kFalconMamba = {
    .model_type = "falcon_mamba",
    .known_as = "Falcon Mamba",
    .spec = falcon_mamba,
    .names = {kTensors, kBackbonePrefixes, {}},
    .gguf = {.architecture = "mamba",
             .also = "falcon-mamba",
             .names = kGgufMambaNames,
             .adapt = adapt_gguf_mamba,
             .claims = is_falcon_mamba,
             .write = write_gguf},
};

}  // namespace continuo
