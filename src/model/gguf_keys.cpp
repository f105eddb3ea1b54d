#include "model/gguf_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/json.h"
#include "io/checkpoint.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

// Keys without which a text would be a guess. `architectures`: blanks between and around; empty: all.
struct Needed {
  std::string_view key, architectures;
};
constexpr auto kNeeded = std::to_array<Needed>({
    {"embedding_length", ""},
    {"block_count", ""},
    {"context_length", ""},
    {"attention.head_count", " but mamba mamba2 rwkv6 rwkv7 arwkv7 rwkv6qwen2 "},
    {"attention.layer_norm_epsilon",
     " gpt2 gptneox bloom falcon mpt phi2 stablelm starcoder starcoder2 olmo command-r cohere2 gptj nemotron "
     "codeshell orion jais dbrx bert "},
    {"attention.layer_norm_rms_epsilon",
     " llama mistral3 phi3 qwen qwen2 qwen2moe qwen3 qwen3moe qwen3next gemma gemma2 gemma3 gemma3n gemma4 olmo2 olmoe "
     "granite granitemoe granitehybrid minicpm smollm3 exaone exaone4 arcee baichuan deepseek deepseek2 glm4 chatglm "
     "internlm2 xverse ernie4_5 hunyuan-dense lfm2 lfm2moe mamba mamba2 jamba falcon-h1 plamo refact gpt-oss "},
    {"use_parallel_residual", " gptneox "},
    {"attention.max_alibi_bias", " mpt jais "},
    {"logit_scale", " command-r cohere2 granite granitemoe "},
    {"embedding_scale", " granite granitemoe "},
    {"residual_scale", " granite granitemoe "},
    {"attention.scale", " granite granitemoe "},
    {"attention.sliding_window", " gemma3 gemma3n gemma4 cohere2 gpt-oss "},
});

bool applies(const Needed& needed, const std::string& architecture) {
  constexpr std::string_view kBut = " but ";
  const bool listed = needed.architectures.find(' ' + architecture + ' ') != std::string_view::npos;
  if (needed.architectures.empty()) return true;
  return needed.architectures.starts_with(kBut) ? !listed : listed;
}

// Keys that llama.cpp reads and nothing here does, with the values at which they change nothing.
struct Unsupported {
  std::string_view key;
  std::array<double, 2> neutral;
};
constexpr auto kUnsupported = std::to_array<Unsupported>({
    {"attention.causal", {1, 1}},
    {"rope.scaling.alpha", {0, 0}},
    {"rope.scaling.yarn_log_multiplier", {0, 0}},
    {"rope.scaling.yarn_ext_factor", {1, -1}},
    {"rope.scaling.yarn_attn_factor", {1, -1}},
    {"attention.temperature_scale", {0, 0}},
    {"attention.temperature_length", {0, 0}},
    {"attention.shared_kv_layers", {0, 0}},
    {"attention.output_scale", {0, 1}},
    {"attention.value_scale", {0, 1}},
    {"attention.q_lora_rank", {0, 0}},
    {"attention.kv_lora_rank", {0, 0}},
    {"attention.relative_buckets_count", {0, 0}},
    {"expert_group_count", {0, 1}},
    {"expert_group_used_count", {0, 1}},
    {"expert_group_scale", {0, 1}},
    {"experts_per_group", {0, 0}},
    {"expert_weights_scale", {0, 1}},
    {"expert_gating_func", {0, 1}},  // 1: softmax
    {"interleave_moe_layer_step", {0, 1}},
    {"moe_every_n_layers", {0, 1}},
    {"leading_dense_block_count", {0, 0}},
    {"nextn_predict_layers", {0, 0}},
    {"altup.num_inputs", {0, 1}},
    {"router_logit_softcapping", {0, 0}},
    {"swin_norm", {0, 0}},
    {"full_attention_interval", {0, 1}},
});

// Keys that must repeat what another says, where both are there.
struct Repeated {
  std::string_view key, other;
};
constexpr auto kRepeated = std::to_array<Repeated>({
    {"attention.key_length_swa", "attention.key_length"},
    {"attention.value_length_swa", "attention.value_length"},
    {"rope.dimension_count_swa", "rope.dimension_count"},
    {"embedding_length_out", "embedding_length"},
    {"rope.freq_base_swa", "rope.freq_base"},
});

bool was_asked(const Checkpoint& file, std::string_view key) { return file.asked.count(key) > 0; }

// What a model does with experts that a file says nothing of, and may say.
Result<void> check_expert_norm(const Checkpoint& file) {
  constexpr std::string_view kKey = "expert_weights_norm";
  const std::string architecture = gguf_architecture(file);
  const bool known = architecture == "llama" || architecture == "qwen2moe" || architecture == "qwen3moe";
  CONTINUO_TRY(const Json* stated, gguf_plain(file, kKey));
  if (!known || !stated || *stated == (architecture != "qwen2moe")) return {};
  return gguf_wrong(file, kKey, fmt::format("is {}, which is not supported", stated->dump()));
}

Result<void> check_unsupported(const Checkpoint& file) {
  for (const Unsupported& key : kUnsupported) {
    if (was_asked(file, key.key)) continue;
    CONTINUO_TRY(const Json* value, gguf_plain(file, key.key));
    if (!value) continue;
    const double number = value->is_boolean() ? (value->get<bool>() ? 1 : 0) : value->get<double>();
    if (std::find(key.neutral.begin(), key.neutral.end(), number) != key.neutral.end()) continue;
    return gguf_wrong(file, key.key, fmt::format("is {}, which is not supported", value->dump()));
  }
  constexpr std::string_view kSections = "rope.dimension_sections";
  const Json* const sections = was_asked(file, kSections) ? nullptr : gguf_value(file, kSections);
  if (!sections || !sections->is_array()) return {};
  if (std::all_of(sections->begin(), sections->end(), [](const Json& n) { return n == 0; })) return {};
  return gguf_wrong(file, kSections, "is not supported");
}

Result<void> check_repeated(const Checkpoint& file) {
  for (const Repeated& key : kRepeated) {
    if (was_asked(file, key.key)) continue;
    CONTINUO_TRY(const auto value, gguf_number(file, key.key));
    CONTINUO_TRY(const auto other, gguf_number(file, key.other));
    if (!value || !other || *value == *other) continue;
    return gguf_wrong(file, key.key, fmt::format("is {}, but '{}' is {}", *value, key.other, *other),
                      "such models are not supported");
  }
  return {};
}

// Without a length of their own, keys and values have an equal share of the model.
Result<void> check_value_length(const Checkpoint& file) {
  if (was_asked(file, "attention.value_length")) return {};
  CONTINUO_TRY(const auto values, gguf_number(file, "attention.value_length"));
  CONTINUO_TRY(const auto width, gguf_number(file, "embedding_length"));
  CONTINUO_TRY(const auto heads, gguf_number(file, "attention.head_count"));
  CONTINUO_TRY(const auto keys, gguf_number(file, "attention.key_length"));
  if (!width || !heads || *heads < 1) return {};
  const double share = std::floor(*width / *heads);
  if (keys.value_or(share) == values.value_or(share)) return {};
  return gguf_wrong(file, "attention.value_length",
                    fmt::format("is {}, but keys have a length of {}", values.value_or(share), keys.value_or(share)),
                    "such models are not supported");
}

}  // namespace

Result<void> check_needed_gguf_keys(const Checkpoint& file) {
  const std::string architecture = gguf_architecture(file);
  for (const Needed& needed : kNeeded) {
    if (!applies(needed, architecture) || gguf_value(file, needed.key)) continue;
    return gguf_wrong(file, needed.key, "is missing");
  }
  return {};
}

Result<void> check_unread_gguf_keys(const Checkpoint& file) {
  CONTINUO_TRY_VOID(check_value_length(file));
  CONTINUO_TRY_VOID(check_repeated(file));
  CONTINUO_TRY_VOID(check_expert_norm(file));
  return check_unsupported(file);
}

std::string_view gguf_epsilon_key(const Checkpoint& file) {
  const std::string architecture = gguf_architecture(file);
  for (const Needed& needed : kNeeded) {
    if (needed.key.ends_with("epsilon") && applies(needed, architecture)) return needed.key;
  }
  return {};
}

}  // namespace continuo
