#include "model/families.h"

#include <array>

namespace continuo {

extern const Family kGpt2;
extern const Family kGptNeo;
extern const Family kGptNeox;
extern const Family kGptj;
extern const Family kOpt;
extern const Family kBloom;
extern const Family kFalcon;
extern const Family kMpt;
extern const Family kLlama;
extern const Family kMistral;
extern const Family kMixtral;
extern const Family kQwen2;
extern const Family kQwen2Moe;
extern const Family kQwen3;
extern const Family kQwen3Moe;
extern const Family kGemma;
extern const Family kGemma2;
extern const Family kGemma3;
extern const Family kPhi;
extern const Family kPhi3;
extern const Family kOlmo;
extern const Family kOlmo2;
extern const Family kStablelm;
extern const Family kStarcoder2;
extern const Family kSmollm3;
extern const Family kGranite;
extern const Family kCohere;
extern const Family kExaone4;
extern const Family kMinicpm;
extern const Family kNanochat;

namespace {

constexpr std::array kFamilies = std::to_array<const Family*>(
    {&kGpt2,    &kGptNeo,  &kGptNeox, &kGptj,    &kOpt,      &kBloom,   &kFalcon,   &kMpt,
     &kLlama,   &kMistral, &kMixtral, &kQwen2,   &kQwen2Moe, &kQwen3,   &kQwen3Moe, &kGemma,
     &kGemma2,  &kGemma3,  &kPhi,     &kPhi3,    &kOlmo,     &kOlmo2,   &kStablelm, &kStarcoder2,
     &kSmollm3, &kGranite, &kCohere,  &kExaone4, &kMinicpm,  &kNanochat});

}  // namespace

std::span<const Family* const> families() { return kFamilies; }

const Family* find_family(std::string_view model_type) {
  for (const Family* family : kFamilies) {
    if (family->model_type == model_type) return family;
  }
  return nullptr;
}

}  // namespace continuo
