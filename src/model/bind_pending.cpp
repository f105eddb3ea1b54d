// Parts whose weights cannot be bound yet.
#include "model/bind_parts.h"

namespace continuo {

Result<MambaWeights> bind_part(PartBinder&, const TensorPlace&, const MambaSpec&) { return model_error("", "Mamba cannot be run"); }
Result<Mamba2Weights> bind_part(PartBinder&, const TensorPlace&, const Mamba2Spec&) { return model_error("", "Mamba2 cannot be run"); }
Result<DeltaNetWeights> bind_part(PartBinder&, const TensorPlace&, const DeltaNetSpec&) { return model_error("", "DeltaNet cannot be run"); }
Result<RgLruWeights> bind_part(PartBinder&, const TensorPlace&, const RgLruSpec&) { return model_error("", "RgLru cannot be run"); }
Result<Rwkv4Weights> bind_part(PartBinder&, const TensorPlace&, const Rwkv4Spec&) { return model_error("", "Rwkv4 cannot be run"); }
Result<RwkvWeights> bind_part(PartBinder&, const TensorPlace&, const RwkvSpec&) { return model_error("", "Rwkv cannot be run"); }
Result<ChannelMixWeights> bind_part(PartBinder&, const TensorPlace&, const ChannelMixSpec&) { return model_error("", "ChannelMix cannot be run"); }

}  // namespace continuo
