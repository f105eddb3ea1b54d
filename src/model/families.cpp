#include "model/families.h"

namespace continuo {

// One line a family; each stands in a file of its own in families/.
// clang-format off
#define CONTINUO_FAMILIES(X) \
  X(kGpt2) \
  X(kGptNeo) \
  X(kGptNeox) \
  X(kGptj) \
  X(kOpt) \
  X(kBloom) \
  X(kFalcon) \
  X(kMpt) \
  X(kLlama) \
  X(kMistral) \
  X(kMixtral) \
  X(kQwen2) \
  X(kQwen2Moe) \
  X(kQwen3) \
  X(kQwen3Moe) \
  X(kGemma) \
  X(kGemma2) \
  X(kGemma3) \
  X(kPhi) \
  X(kPhi3) \
  X(kOlmo) \
  X(kOlmo2) \
  X(kStablelm) \
  X(kStarcoder2) \
  X(kSmollm3) \
  X(kGranite) \
  X(kCohere) \
  X(kExaone4) \
  X(kMinicpm) \
  X(kNanochat) \
  X(kLfm2) \
  X(kMamba) \
  X(kFalconMamba) \
  X(kJamba) \
  X(kMamba2) \
  X(kBamba) \
  X(kFalconH1) \
  X(kNemotronH) \
  X(kGranitemoehybrid) \
  X(kZamba2) \
  X(kLfm2Moe) \
  X(kLfm3) \
  X(kBert) \
  X(kRoberta) \
  X(kXlmRoberta) \
  X(kCamembert) \
  X(kDistilbert) \
  X(kElectra) \
  X(kModernbert) \
  X(kQwen3Next) \
  X(kQwen35Text) \
  X(kOlmoHybrid) \
  X(kRecurrentGemma) \
  X(kRwkv) \
  X(kRwkv5) \
  X(kRwkv6) \
  X(kRwkv7) \
  X(kOpenaiGpt) \
  X(kGptBigcode) \
  X(kCodegen) \
  X(kXglm) \
  X(kBiogpt) \
  X(kPersimmon) \
  X(kInternlm2) \
  X(kBaichuan) \
  X(kErnie45) \
  X(kGlm) \
  X(kGlm4) \
  X(kCohere2) \
  X(kHelium) \
  X(kArcee) \
  X(kNemotron) \
  X(kSeedOss) \
  X(kExaone) \
  X(kOlmo3) \
  X(kOlmoe) \
  X(kGranitemoe) \
  X(kHyperclovax) \
  X(kVaultgemma) \
  X(kJais2) \
  X(kCwm) \
  X(kPhimoe) \
  X(kOpenelm) \
  X(kHunyuanV1Dense) \
  X(kMinistral3) \
  X(kGptOss) \
  X(kGraniteSwa) \
  X(kApertus) \
  X(kBitnet) \
  X(kModernbertDecoder) \
  X(kMinicpm3) \
  X(kYoutu) \
  X(kPlm) \
  X(kDeepseekV2) \
  X(kGemma4) \
  X(kNanbeige) \
  X(kOuro) \
  X(kHrmText) \
  X(kDory) \
  X(kHuginn)
// clang-format on

#define CONTINUO_DECLARE(name) extern const Family name;
CONTINUO_FAMILIES(CONTINUO_DECLARE)

namespace {

#define CONTINUO_LIST(name) &name,
constexpr const Family* kFamilies[] = {CONTINUO_FAMILIES(CONTINUO_LIST)};

}  // namespace

std::span<const Family* const> families() { return kFamilies; }

const Family* find_family(std::string_view model_type) {
  for (const Family* family : kFamilies) {
    if (family->model_type == model_type) return family;
  }
  return nullptr;
}

}  // namespace continuo
