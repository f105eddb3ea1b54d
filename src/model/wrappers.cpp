#include "model/wrappers.h"

#include <fmt/format.h>

#include <array>

#include "io/checkpoint.h"

namespace continuo {

namespace {

// Published files and those that transformers 5 writes, which puts all parts under "model.".
constexpr auto kPictures = std::to_array<OtherPart>({
    {"vision_tower.", "vision tower"},
    {"model.vision_tower.", "vision tower"},
    {"vision_model.", "vision tower"},
    {"model.vision_model.", "vision tower"},
    {"multi_modal_projector.", "projector of pictures"},
    {"model.multi_modal_projector.", "projector of pictures"},
    {"model.connector.", "projector of pictures"},
    {"image_newline", "picture line break"},
    {"model.image_newline", "picture line break"},
});
constexpr auto kVisual = std::to_array<OtherPart>({
    {"visual.", "vision tower"},
    {"model.visual.", "vision tower"},
    {"mtp.", "prediction of several tokens"},
});
constexpr auto kPicturesAndSound = std::to_array<OtherPart>({
    {"model.vision_tower.", "vision tower"},
    {"model.embed_vision.", "projector of pictures"},
    {"model.audio_tower.", "audio tower"},
    {"model.embed_audio.", "projector of sounds"},
});
constexpr auto kSound = std::to_array<OtherPart>({
    {"audio_tower.", "audio tower"},
    {"model.audio_tower.", "audio tower"},
    {"multi_modal_projector.", "projector of sounds"},
    {"model.multi_modal_projector.", "projector of sounds"},
});

constexpr auto kWrappers = std::to_array<Wrapper>({
    {"gemma3", "Gemma 3 4B to 27B, MedGemma", "gemma3_text", kPictures},
    {"gemma4", "Gemma 4", "gemma4_text", kPicturesAndSound},
    {"paligemma", "PaliGemma, PaliGemma 2", "gemma", kPictures},
    {"mistral3", "Mistral Small 3.1, Ministral 3", "mistral", kPictures},
    {"llava", "LLaVA 1.5, Pixtral (transformers)", "llama", kPictures},
    {"llava_next", "LLaVA-NeXT (1.6)", "llama", kPictures},
    {"llava_onevision", "LLaVA-OneVision", "qwen2", kPictures},
    {"vipllava", "ViP-LLaVA", "llama", kPictures},
    {"internvl", "InternVL 3 (transformers)", "qwen2", kPictures},
    {"aya_vision", "Aya Vision", "cohere2", kPictures},
    {"cohere2_vision", "Command A Vision", "cohere2", kPictures},
    {"got_ocr2", "GOT-OCR 2", "qwen2", kPictures},
    {"idefics3", "Idefics 3", "llama", kPictures},
    {"smolvlm", "SmolVLM, SmolVLM2", "llama", kPictures},
    {"lfm2_vl", "LFM2-VL", "lfm2", kPictures},
    {"qwen2_vl", "Qwen2-VL", "qwen2", kVisual},
    {"qwen2_5_vl", "Qwen2.5-VL", "qwen2", kVisual},
    {"qwen3_vl", "Qwen3-VL", "qwen3", kVisual},
    {"qwen3_vl_moe", "Qwen3-VL with experts", "qwen3_moe", kVisual},
    {"qwen3_5", "Qwen3.5", "qwen3_5_text", kVisual},
    {"qwen2_audio", "Qwen2-Audio", "qwen2", kSound},
    {"voxtral", "Voxtral", "llama", kSound},
});

// What sections call a text model that has a family of its own.
struct TextType {
  std::string_view stated, family;
};
constexpr auto kTextTypes = std::to_array<TextType>({
    {"qwen2_vl_text", "qwen2"},
    {"qwen2_5_vl_text", "qwen2"},
    {"qwen2_vl", "qwen2"},
    {"qwen2_5_vl", "qwen2"},
    {"qwen3_vl_text", "qwen3"},
    {"qwen3_vl_moe_text", "qwen3_moe"},
});

// What the reference takes for granted of a text model whose section leaves it out.
struct Defaults {
  std::string_view family, values;
};
constexpr auto kDefaults = std::to_array<Defaults>({
    {"llama", R"({"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
                  "num_attention_heads": 32, "max_position_embeddings": 2048})"},
    {"mistral", R"({"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
                    "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 131072})"},
    {"gemma", R"({"vocab_size": 256000, "hidden_size": 3072, "intermediate_size": 24576, "num_hidden_layers": 28,
                  "num_attention_heads": 16, "num_key_value_heads": 16, "max_position_embeddings": 8192})"},
    {"gemma2", R"({"vocab_size": 256000, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
                   "num_attention_heads": 8, "num_key_value_heads": 4, "max_position_embeddings": 8192})"},
    {"gemma3_text", R"({"vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
                        "num_attention_heads": 8, "num_key_value_heads": 4})"},
    {"qwen2", R"({"vocab_size": 151936, "hidden_size": 4096, "intermediate_size": 22016, "num_hidden_layers": 32,
                  "num_attention_heads": 32, "num_key_value_heads": 32, "max_position_embeddings": 32768})"},
});

constexpr auto kPlaces = std::to_array<TextPlace>({
    {"model.language_model.", ""},
    {"model.text_model.", ""},
    {"language_model.model.", "language_model."},
    {"model.", ""},
    {"language_model.", ""},
});

bool stored(const Checkpoint& checkpoint, const std::string& name) {
  return checkpoint.tensors.count(name) > 0 || checkpoint.others.count(name) > 0;
}

// Whether the output is the embedding: stated beside the section or in it; else there is no output matrix.
bool tied(const Json& outer, const Json& text, const Checkpoint& checkpoint) {
  bool stated = false;
  for (const Json* object : {&outer, &text}) {
    const auto it = object->find("tie_word_embeddings");
    if (it == object->end() || !it->is_boolean()) continue;
    if (it->get<bool>()) return true;
    stated = true;
  }
  return !stated && !stored(checkpoint, fmt::format("{}lm_head.weight", text_place(checkpoint).outer));
}

}  // namespace

std::span<const Wrapper> wrappers() { return kWrappers; }

const Wrapper* find_wrapper(std::string_view model_type) {
  for (const Wrapper& wrapper : kWrappers) {
    if (wrapper.model_type == model_type) return &wrapper;
  }
  return nullptr;
}

Result<TextConfig> text_config(const Wrapper& wrapper, const Checkpoint& checkpoint) {
  const Json& outer = checkpoint.config;
  const auto section = outer.find("text_config");
  const bool inside = section != outer.end() && !section->is_null();
  if (inside && !section->is_object()) {
    return model_error(checkpoint.config_file, "'text_config' is no object", "it holds the text model's numbers");
  }
  TextConfig text{inside ? *section : outer, inside ? "text_config." : ""};
  Json& config = text.config;
  // Where the file has no section, its model_type is the whole's.
  if (!inside || !config.contains("model_type")) config["model_type"] = wrapper.text_type;
  for (const TextType& type : kTextTypes) {
    if (config["model_type"] == type.stated) config["model_type"] = type.family;
  }
  for (const Defaults& defaults : kDefaults) {
    if (!inside || config["model_type"] != defaults.family) continue;
    const Json values = Json::parse(defaults.values);
    for (const auto& [name, value] : values.items()) {
      if (!config.contains(name)) config[name] = value;
    }
  }
  config["tie_word_embeddings"] = tied(outer, config, checkpoint);
  config.erase("tie_embedding");
  for (const char* field : {"bos_token_id", "eos_token_id", "quantization_config"}) {
    const auto it = outer.find(field);
    if (it != outer.end() && !it->is_null() && (!config.contains(field) || config[field].is_null()))
      config[field] = *it;
  }
  return text;
}

TextPlace text_place(const Checkpoint& checkpoint) {
  for (const TextPlace& place : kPlaces) {
    if (stored(checkpoint, fmt::format("{}embed_tokens.weight", place.prefix))) return place;
  }
  return kPlaces.front();
}

}  // namespace continuo
