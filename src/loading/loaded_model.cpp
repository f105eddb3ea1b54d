#include "loading/loaded_model.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "io/checkpoint.h"
#include "loading/model_source.h"

namespace continuo {

Result<LoadedModel> load(const std::string& typed, TokenizerUse use, const ChosenSampling& chosen,
                         const std::string& chat_template) {
  CONTINUO_TRY(const ModelFiles files, find_model(typed));
  CONTINUO_TRY(Model network, load_model(files));
  CONTINUO_TRY(SamplingOptions sampling, generation_defaults(*network.storage, chosen));
  LoadedModel model{
      .name = files.name(), .files = files, .network = std::move(network), .sampling = std::move(sampling)};
  model.chat = std::make_shared<const ChatSource>(files, chat_template);
  const bool asks_for_dry = model.sampling.dry_multiplier != 0;
  const bool wanted = use == TokenizerUse::if_there || (use == TokenizerUse::for_drawing && asks_for_dry);
  if (use == TokenizerUse::required || (wanted && has_tokenizer(files))) {
    CONTINUO_TRY(model.tokenizer, load_tokenizer(files));
  }
  if (asks_for_dry && use != TokenizerUse::none && !model.tokenizer) {
    spdlog::warn("{}/generation_config.json: 'dry_multiplier' is left out, because the model has no tokenizer",
                 model.name);
    model.sampling.dry_multiplier = 0;
  }
  return model;
}

Result<TokenPrompt> chat_prompt(const LoadedModel& model, const Json& messages, const Json& template_values) {
  if (!model.text()) return usage_error("the model has no tokenizer", "give the prompt as prompt_ids");
  const Result<Chat>& chat = model.chat->get(*model.text());
  if (!chat) return chat.error();
  CONTINUO_TRY(TokenPrompt prompt, encode_chat(*chat, *model.text(), messages, template_values));
  CONTINUO_TRY_VOID(check_vocabulary(model.network, prompt.ids));
  const ModelSpec& spec = model.network.spec;
  std::erase_if(prompt.ends, [&](TokenId id) {
    return id >= spec.vocab_size || std::ranges::find(spec.eos_tokens, id) != spec.eos_tokens.end();
  });
  return prompt;
}

}  // namespace continuo
