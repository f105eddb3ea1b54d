// Keys of GGUF files: each counts by itself, some are demanded, some refused; and fields that say the same in two ways.
#include "model/gguf_keys.h"

#include <cmath>
#include <vector>

#include "base/json.h"
#include "catch.h"
#include "io/checkpoint.h"
#include "model/families.h"
#include "model/gguf_metadata.h"
#include "model/gguf_rope.h"

using namespace continuo;

namespace {

Checkpoint file_of(Json keys, const std::string& architecture = "llama") {
  Checkpoint file;
  file.name = file.config_file = "m.gguf";
  file.is_gguf = true;
  file.config = {{"general.architecture", architecture}};
  for (const auto& [key, value] : keys.items()) file.config[architecture + "." + key] = value;
  return file;
}

Json rope_of(const Json& keys) {
  const Checkpoint file = file_of(keys);
  Json config = {{"hidden_size", 64}, {"num_attention_heads", 4}};
  const auto added = add_gguf_rope(file, config);
  return added ? config : Json(added.error().message());
}

std::string needed(const Json& keys, const std::string& architecture = "llama") {
  const auto checked = check_needed_gguf_keys(file_of(keys, architecture));
  return checked ? "" : checked.error().message();
}

std::string unread(const Json& keys, const std::string& architecture = "llama") {
  const auto checked = check_unread_gguf_keys(file_of(keys, architecture));
  return checked ? "" : checked.error().message();
}

}  // namespace

TEST_CASE("GGUF: each key of rotary positions counts by itself") {
  CHECK(rope_of({})["rope_theta"] == 10000.0);
  CHECK_FALSE(rope_of({}).contains("rope_scaling"));
  const Json linear = {{"rope_type", "linear"}, {"factor", 4.0}};
  CHECK(rope_of({{"rope.scaling.type", "linear"}, {"rope.scaling.factor", 4.0}})["rope_scaling"] == linear);
  CHECK(rope_of({{"rope.scaling.factor", 4.0}})["rope_scaling"] == linear);
  CHECK(rope_of({{"rope.scale_linear", 4.0}})["rope_scaling"] == linear);
  CHECK_FALSE(rope_of({{"rope.scaling.type", "none"}, {"rope.scaling.factor", 4.0}}).contains("rope_scaling"));
  CHECK_FALSE(rope_of({{"rope.scaling.factor", 0.0}}).contains("rope_scaling"));
  const Json scaled = rope_of({{"rope.scaling.attn_factor", 1.5}})["rope_scaling"];
  CHECK(scaled["attention_factor"] == 1.5);
  CHECK(scaled["short_factor"] == Json(std::vector<double>(8, 1.0)));
  CHECK(scaled["long_factor"] == scaled["short_factor"]);
  const Json yarn = rope_of(
      {{"rope.scaling.type", "yarn"}, {"rope.scaling.factor", 4.0}, {"rope.scaling.attn_factor", 0.5}})["rope_scaling"];
  CHECK(yarn["attention_factor"].get<double>() == Approx(0.5 * (0.1 * std::log(4.0) + 1)));
  CHECK(rope_of({{"rope.scaling.type", "other"}}) ==
        "m.gguf: 'llama.rope.scaling.type' is 'other', expected none, linear, yarn or longrope");
  CHECK(rope_of({{"rope.scaling.type", 3}}) == "m.gguf: 'llama.rope.scaling.type' is no text");
  CHECK(rope_of({{"rope.scaling.attn_factor", -1.0}}) ==
        "m.gguf: 'llama.rope.scaling.attn_factor' is -1, expected more");
  CHECK(rope_of({{"rope.dimension_count", 17}}) == "m.gguf: 'llama.rope.dimension_count' is 17, expected 1 to 16");
}

TEST_CASE("GGUF: keys without which a text would be a guess") {
  Json keys = {{"embedding_length", 64}, {"block_count", 1}, {"context_length", 8}, {"attention.head_count", 4}};
  CHECK(needed(keys) == "m.gguf: 'llama.attention.layer_norm_rms_epsilon' is missing");
  CHECK(needed(keys, "gptneox") == "m.gguf: 'gptneox.attention.layer_norm_epsilon' is missing");
  keys["attention.layer_norm_rms_epsilon"] = keys["attention.layer_norm_epsilon"] = 1e-5;
  CHECK(needed(keys) == "");
  CHECK(needed(keys, "gptneox") == "m.gguf: 'gptneox.use_parallel_residual' is missing");
  CHECK(needed(keys, "command-r") == "m.gguf: 'command-r.logit_scale' is missing");
  CHECK(needed(keys, "mpt") == "m.gguf: 'mpt.attention.max_alibi_bias' is missing");
  CHECK(needed(keys, "granite") == "m.gguf: 'granite.logit_scale' is missing");
  CHECK(needed(keys, "gemma3") == "m.gguf: 'gemma3.attention.sliding_window' is missing");
  keys.erase("context_length");
  CHECK(needed(keys) == "m.gguf: 'llama.context_length' is missing");
  CHECK(gguf_epsilon_key(file_of({}, "phi2")) == "attention.layer_norm_epsilon");
  CHECK(gguf_epsilon_key(file_of({}, "qwen3")) == "attention.layer_norm_rms_epsilon");
}

TEST_CASE("GGUF: keys that change the text and are not supported") {
  CHECK(unread({}) == "");
  CHECK(unread({{"attention.causal", true}, {"expert_gating_func", 1}, {"expert_weights_scale", 1.0}}) == "");
  CHECK(unread({{"attention.causal", false}}) == "m.gguf: 'llama.attention.causal' is false, which is not supported");
  CHECK(unread({{"expert_gating_func", 2}}) == "m.gguf: 'llama.expert_gating_func' is 2, which is not supported");
  CHECK(unread({{"expert_weights_scale", 2.5}}).find("expert_weights_scale") != std::string::npos);
  CHECK(unread({{"expert_weights_norm", false}}).find("expert_weights_norm") != std::string::npos);
  CHECK(unread({{"expert_weights_norm", false}}, "qwen2moe") == "");
  CHECK(unread({{"rope.dimension_sections", {16, 24, 24, 0}}}).find("rope.dimension_sections") != std::string::npos);
  CHECK(unread({{"rope.freq_base", 1e4}, {"rope.freq_base_swa", 1e4}}) == "");
  CHECK(unread({{"rope.freq_base", 1e6}, {"rope.freq_base_swa", 1e4}}).find("rope.freq_base_swa") != std::string::npos);
  CHECK(unread({{"embedding_length", 64}, {"attention.head_count", 4}, {"attention.value_length", 8}}) ==
        "m.gguf: 'llama.attention.value_length' is 8, but keys have a length of 16 (such models are not supported)");
  // What the family asked for is its own affair.
  const Checkpoint file = file_of({{"expert_weights_scale", 2.5}});
  CHECK(gguf_number(file, "expert_weights_scale"));
  CHECK(check_unread_gguf_keys(file));
}

TEST_CASE("GPT-Neo: which layers are local may be said in short or spelled out") {
  const auto windows = [](const std::string& fields) {
    const Json json =
        Json::parse(R"({"model_type": "gpt_neo", "hidden_size": 8, "num_heads": 2, "num_layers": 3, "vocab_size": 9,
        "max_position_embeddings": 16, "window_size": 4)" +
                    fields + "}");
    const auto spec = find_family("gpt_neo")->spec(HyperParameters(json, "c"));
    if (!spec) return spec.error().message();
    std::string text;
    for (const LayerSpec& layer : spec->layers) text += std::get<AttentionSpec>(layer.mixer).window ? 'l' : 'g';
    return text;
  };
  CHECK(windows("") == "glg");
  CHECK(windows(R"(, "attention_layers": ["local", "local", "global"])") == "llg");
  CHECK(windows(R"(, "attention_types": null, "attention_layers": ["local", "local", "global"])") == "llg");
  CHECK(windows(R"(, "attention_types": [[["local"], 2], [["global"], 1]])") == "llg");
  CHECK(windows(R"(, "attention_types": [[["local"], 3]], "attention_layers": ["local", "local", "local"])") == "lll");
  CHECK(windows(R"(, "attention_types": [[["local"], 3]], "attention_layers": ["local", "local", "global"])") ==
        "c: 'attention_types' and 'attention_layers' contradict each other (which is meant?)");
  CHECK(windows(R"(, "attention_layers": ["local"])").find("'attention_layers' is not a list") != std::string::npos);
}
