#include "loading/loaded_model.h"

#include "io/checkpoint.h"
#include "loading/model_source.h"

namespace continuo {

Result<LoadedModel> load(const std::string& typed, TokenizerUse use, const ChosenSampling& chosen) {
  CONTINUO_TRY(const ModelFiles files, find_model(typed));
  CONTINUO_TRY(Model network, load_model(files));
  CONTINUO_TRY(SamplingOptions sampling, generation_defaults(*network.storage, chosen));
  LoadedModel model{
      .name = files.name(), .files = files, .network = std::move(network), .sampling = std::move(sampling)};
  if (use == TokenizerUse::required || (use == TokenizerUse::if_there && has_tokenizer(files))) {
    CONTINUO_TRY(model.tokenizer, load_tokenizer(files));
  }
  return model;
}

}  // namespace continuo
