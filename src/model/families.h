// A family is data: how a checkpoint's hyper-parameters become a ModelSpec, and what its tensors are called.
// One file for each in families/, one line in the list of families.cpp.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "model/hyper_parameters.h"
#include "model/spec.h"
#include "model/tensor_names.h"

namespace continuo {

struct Family {
  std::string_view model_type;  // the files' word
  Result<ModelSpec> (*spec)(const HyperParameters&);
  TensorNames names;
};

std::span<const Family* const> families();
const Family* find_family(std::string_view model_type);

}  // namespace continuo
