// The text model of a checkpoint of several senses.
#include "catch.h"
#include "model/wrappers.h"
#include "unit/model/samples.h"

using namespace continuo;
using test::TinyModel;

namespace {

// A tiny Llama in a section of a LLaVA's configuration, its tensors renamed.
TinyModel wrapped(const std::string& prefix = "language_model.model.", const std::string& outer = "language_model.") {
  const TinyModel plain = test::tiny_llama();
  TinyModel tiny;
  tiny.config = {{"model_type", "llava"}, {"text_config", plain.config}};
  for (const auto& [name, tensor] : plain.tensors) {
    const bool inner = name.starts_with("model.");
    tiny.tensors[inner ? prefix + name.substr(6) : outer + name] = tensor;
  }
  tiny.tensors["vision_tower.patches.weight"] = test::numbered({2, 3});
  tiny.tensors["vision_tower.norm.weight"] = test::numbered({4});
  tiny.tensors["multi_modal_projector.weight"] = test::numbered({2});
  return tiny;
}

TinyModel with(TinyModel tiny, const char* field, const Json& value) {
  tiny.config[field] = value;
  return tiny;
}

}  // namespace

TEST_CASE("the text model of a wrapper, and what is left out", "[model]") {
  for (const auto& [prefix, outer] : std::vector<std::pair<std::string, std::string>>{
           {"language_model.model.", "language_model."}, {"model.language_model.", ""}, {"model.text_model.", ""}}) {
    const auto model = wrapped(prefix, outer).build();
    INFO(prefix << ": " << test::message_of(model));
    REQUIRE(model);
    CHECK(model->spec.family == "llama");
    CHECK(model->spec.eos_tokens == std::vector<TokenId>{1, 2});
    REQUIRE(model->left_out.size() == 2);
    CHECK(model->left_out[0].prefix == "multi_modal_projector.");
    CHECK(model->left_out[1].prefix == "vision_tower.");
    CHECK(model->left_out[1].what == "vision tower");
    CHECK(model->left_out[1].tensors == 2);
    CHECK(model->left_out[1].bytes == 40);
  }
  CHECK(test::tiny_llama().build()->left_out.empty());
}

TEST_CASE("tensors are left out by name, never because they are unknown", "[model]") {
  TinyModel odd = wrapped();
  odd.tensors["audio_tower.weight"] = test::numbered({2});
  CHECK(odd.refusal() ==
        "tiny/model.safetensors: a tensor for which this llama has no place: 'audio_tower.weight' (the text "
        "would not be the model's; is config.json the right one?)");
}

TEST_CASE("a wrapper's output matrix and ends", "[model]") {
  CHECK_FALSE(wrapped().build()->spec.tied_output);
  TinyModel tied = wrapped();
  tied.tensors.erase("language_model.lm_head.weight");
  CHECK(tied.build()->spec.tied_output);
  CHECK(with(tied, "tie_word_embeddings", true).build()->spec.tied_output);
  CHECK(
      with(tied, "tie_word_embeddings", false).refusal().find("'language_model.lm_head.weight' (output) is missing") !=
      std::string::npos);
  TinyModel ends = with(wrapped(), "eos_token_id", 3);
  CHECK(ends.build()->spec.eos_tokens == std::vector<TokenId>{1, 2});  // the section's own come first
  ends.config["text_config"].erase("eos_token_id");
  CHECK(ends.build()->spec.eos_tokens == std::vector<TokenId>{1, 3});
}

TEST_CASE("a wrapper's messages name the section", "[model]") {
  TinyModel bad = wrapped();
  bad.config["text_config"]["hidden_size"] = -3;
  CHECK(bad.refusal() ==
        "tiny/config.json: 'text_config.hidden_size' is -3, expected a whole number from 1 to 16777216");
  CHECK(with(wrapped(), "text_config", 3).refusal() ==
        "tiny/config.json: 'text_config' is no object (it holds the text model's numbers)");
  bad = wrapped();
  bad.config["text_config"]["model_type"] = "llama4_text";
  CHECK(bad.refusal().find("'text_config.model_type' is \"llama4_text\", expected one ") != std::string::npos);
}

TEST_CASE("every wrapper's text model is of a family, and its names are its own", "[model]") {
  CHECK(find_wrapper("gemma3"));
  CHECK_FALSE(find_wrapper("llama"));
  for (const Wrapper& wrapper : wrappers()) {
    INFO(wrapper.model_type);
    CHECK(find_wrapper(wrapper.model_type) == &wrapper);
    CHECK_FALSE(wrapper.known_as.empty());
    CHECK_FALSE(wrapper.others.empty());
    for (const OtherPart& part : wrapper.others) {
      CHECK_FALSE(part.prefix.starts_with("language_model."));
      CHECK_FALSE(part.prefix == "model.");
    }
  }
}
