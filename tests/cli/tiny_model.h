// A model folder whose text can be told in advance: a byte-level tokenizer without merges (token = byte; 256
// is BOS, 257 the end token) and a llama network that only looks at the last token and prefers one successor
// to it.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support.h"

namespace continuo::test {

struct TinyModel {
  static constexpr int kBos = 256, kEnd = 257, kVocab = 258;

  int context = 64;
  float preference = 20;  // how much more the successor's logit is than the others'
  float norm = 1;         // weight of the last norm: scales all logits
  bool bos = true;        // the tokenizer adds it, config.json names it
  bool tokenizer = true;
  bool weights = true;
  nlohmann::json generation_config = nullptr;
  // successor[t]: letters run through the alphabet, "z" is followed by "a"; "!" by the end token; BOS by "a";
  // digits by the bytes of "€" over and over; all others by themselves.
  std::array<int, kVocab> successor = default_successors();

  static std::array<int, kVocab> default_successors() {
    std::array<int, kVocab> next{};
    for (int t = 0; t < kVocab; ++t) next[static_cast<std::size_t>(t)] = t;
    for (int c = 'a'; c < 'z'; ++c) next[static_cast<std::size_t>(c)] = c + 1;
    next['z'] = 'a';
    next['!'] = kEnd;
    next[kBos] = 'a';
    for (int c = '0'; c <= '9'; ++c) next[static_cast<std::size_t>(c)] = 0xE2;
    next[0xE2] = 0x82;
    next[0x82] = 0xAC;
    next[0xAC] = 0xE2;
    return next;
  }

  void write(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    write_file(folder / "config.json", config().dump());
    if (tokenizer) write_file(folder / "tokenizer.json", tokenizer_json().dump());
    if (weights) write_file(folder / "model.safetensors", safetensors());
    if (!generation_config.is_null()) write_file(folder / "generation_config.json", generation_config.dump());
  }

  nlohmann::json config() const {
    nlohmann::json config = {{"architectures", {"LlamaForCausalLM"}},
                             {"model_type", "llama"},
                             {"hidden_size", kVocab},
                             {"intermediate_size", 2},
                             {"num_hidden_layers", 1},
                             {"num_attention_heads", 1},
                             {"num_key_value_heads", 1},
                             {"head_dim", 2},
                             {"vocab_size", kVocab},
                             {"max_position_embeddings", context},
                             {"rms_norm_eps", 1e-12},
                             {"rope_theta", 10000.0},
                             {"hidden_act", "silu"},
                             {"tie_word_embeddings", false},
                             {"eos_token_id", kEnd},
                             {"torch_dtype", "float32"}};
    if (bos) config["bos_token_id"] = kBos;
    return config;
  }

  nlohmann::json tokenizer_json() const {
    const auto added = [](int id, const char* content) {
      return nlohmann::json{{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
                            {"rstrip", false}, {"normalized", false}, {"special", true}};
    };
    nlohmann::json vocab = nlohmann::json::object();
    for (int byte = 0; byte < 256; ++byte) vocab[byte_piece(byte)] = byte;
    const nlohmann::json byte_level = {
        {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
    nlohmann::json json = {{"version", "1.0"},
                           {"truncation", nullptr},
                           {"padding", nullptr},
                           {"added_tokens", {added(kBos, "<s>"), added(kEnd, "</s>")}},
                           {"normalizer", nullptr},
                           {"pre_tokenizer", byte_level},
                           {"post_processor", nullptr},
                           {"decoder", byte_level},
                           {"model",
                            {{"type", "BPE"},
                             {"dropout", nullptr},
                             {"unk_token", nullptr},
                             {"continuing_subword_prefix", nullptr},
                             {"end_of_word_suffix", nullptr},
                             {"fuse_unk", false},
                             {"byte_fallback", false},
                             {"vocab", vocab},
                             {"merges", nlohmann::json::array()}}}};
    if (bos) {
      const nlohmann::json first = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
      const nlohmann::json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
      json["post_processor"] = {{"type", "TemplateProcessing"},
                                {"single", {first, text}},
                                {"pair", {first, text, first, {{"Sequence", {{"id", "B"}, {"type_id", 1}}}}}},
                                {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {kBos}}, {"tokens", {"<s>"}}}}}}};
    }
    return json;
  }

  std::string safetensors() const {
    constexpr std::size_t d = kVocab;
    std::string data;
    nlohmann::json header = nlohmann::json::object();
    const auto add = [&](const std::string& name, std::vector<std::size_t> shape, auto value) {
      const std::size_t rows = shape[0], columns = shape.size() > 1 ? shape[1] : 1, begin = data.size();
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
          const float x = value(r, c);
          data.append(reinterpret_cast<const char*>(&x), sizeof x);
        }
      }
      header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
    };
    const auto zero = [](std::size_t, std::size_t) { return 0.0f; };
    const auto one = [](std::size_t, std::size_t) { return 1.0f; };
    // The norm makes the one of an embedding row the root of d_model.
    const float weight = preference / 16.0624f;
    add("model.embed_tokens.weight", {d, d}, [](std::size_t r, std::size_t c) { return r == c ? 1.0f : 0.0f; });
    add("lm_head.weight", {d, d},
        [&](std::size_t r, std::size_t c) { return successor[c] == static_cast<int>(r) ? weight : 0.0f; });
    add("model.norm.weight", {d}, [&](std::size_t, std::size_t) { return norm; });
    const std::string layer = "model.layers.0.";
    add(layer + "input_layernorm.weight", {d}, one);
    add(layer + "post_attention_layernorm.weight", {d}, one);
    for (const char* name : {"q_proj", "k_proj", "v_proj"}) add(layer + "self_attn." + name + ".weight", {2, d}, zero);
    add(layer + "self_attn.o_proj.weight", {d, 2}, zero);
    add(layer + "mlp.gate_proj.weight", {2, d}, zero);
    add(layer + "mlp.up_proj.weight", {2, d}, zero);
    add(layer + "mlp.down_proj.weight", {d, 2}, zero);
    const std::string json = header.dump();
    const std::uint64_t size = json.size();
    return std::string(reinterpret_cast<const char*>(&size), sizeof size) + json + data;
  }

  // GPT-2's printable character for a byte.
  static std::string byte_piece(int byte) {
    const auto prints = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
    int code = byte;
    if (!prints(byte)) {
      code = 256;
      for (int b = 0; b < byte; ++b) code += prints(b) ? 0 : 1;
    }
    if (code < 0x80) return std::string(1, static_cast<char>(code));
    return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
  }
};

}  // namespace continuo::test
