// A family is data: how a checkpoint's hyper-parameters become a ModelSpec, what its tensors are called, and what GGUF
// files do otherwise. One file for each in families/, one line in the list of families.cpp.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "base/json_fwd.h"
#include "model/hyper_parameters.h"
#include "model/spec.h"
#include "model/tensor_names.h"

namespace continuo {

struct Checkpoint;
class GgufNumbers;

// How GGUF files hold a family: what differs from the names and numbers that all architectures share (gguf.cpp).
struct GgufNames {
  std::string_view architecture = {};  // general.architecture; empty: there is none for this family
  std::string_view also = {};          // another that is read in the same way
  // Rows 2i and 2i + 1 of each head's queries and keys are the family's rows i and i + head_dim / 2.
  bool paired_heads = false;
  std::span<const TensorName> names = {};  // of roles that the shared names call otherwise, or not at all
  // Turns what the shared keys gave (named as in the family's own files) into what the family reads; null: nothing to
  // do.
  Result<void> (*adapt)(const Checkpoint& file, Json& config) = nullptr;
  // Which files of an architecture are this family's, where others share it; null: those that no other family claims.
  bool (*claims)(const Checkpoint& file) = nullptr;
  // ---- for files that are written ----
  // The architecture whose files hold a model, where that is another family's; empty: this one's own. null: always.
  std::string_view (*written_as)(const ModelSpec& spec) = nullptr;
  bool fused_qkv = false;     // queries, keys and values make one tensor
  bool split_latent = false;  // latent attention's maps of keys and of values make two
  bool folds_scales = false;  // multipliers are part of the weights
  bool tiled_heads = false;   // value heads of a delta net stand as DeltaNetSpec::tiled says
  // Numbers that gguf_export_numbers.cpp does not write for all families, or writes otherwise.
  void (*write)(const ModelSpec& spec, GgufNumbers& into) = nullptr;
};

struct Family {
  std::string_view model_type = {};  // the files' word
  std::string_view known_as = {};    // the models that people know
  Result<ModelSpec> (*spec)(const HyperParameters&) = nullptr;
  TensorNames names = {};
  GgufNames gguf = {};
};

std::span<const Family* const> families();
const Family* find_family(std::string_view model_type);

}  // namespace continuo
