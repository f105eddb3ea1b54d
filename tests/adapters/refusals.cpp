// Folders of adapters that are damaged, or say what is not supported: each is refused with a line that names the file and
// the setting, tensor or module.
#include <functional>

#include "adapters/adapters.h"

using namespace continuo;
using namespace continuo::test;
namespace fs = std::filesystem;

namespace {

// A safetensors file of float32 tensors; values run from 0 in steps of 1/1000.
struct Tensors {
  struct One {
    std::string name;
    std::vector<std::size_t> shape;
    std::string dtype = "F32";
  };
  std::vector<One> all;

  std::string bytes() const {
    Json header = Json::object();
    std::string data;
    for (const One& one : all) {
      std::size_t n = one.dtype == "F32" ? 4 : 2;
      for (const std::size_t extent : one.shape) n *= extent;
      header[one.name] = {{"dtype", one.dtype}, {"shape", one.shape}, {"data_offsets", {data.size(), data.size() + n}}};
      for (std::size_t i = 0; i < n / 4; ++i) {
        const float value = static_cast<float>(i) / 1000;
        data.append(reinterpret_cast<const char*>(&value), 4);
      }
      data.resize(header[one.name]["data_offsets"][1].get<std::size_t>());
    }
    const std::string text = header.dump();
    const std::uint64_t size = text.size();
    return std::string(reinterpret_cast<const char*>(&size), 8) + text + data;
  }
};

constexpr const char* kQ = "base_model.model.model.layers.0.self_attn.q_proj";

struct Folder {
  Json config = {{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 4}, {"bias", "none"}, {"init_lora_weights", true}};
  Tensors tensors{{{std::string(kQ) + ".lora_A.weight", {2, 64}}, {std::string(kQ) + ".lora_B.weight", {64, 2}}}};
};

std::string refusal(const std::function<void(Folder&)>& change, const Model& model) {
  Folder folder;
  change(folder);
  const TemporaryFolder place;
  write_file(place.path() / "adapter_config.json", folder.config.dump());
  write_file(place.path() / "adapter_model.safetensors", folder.tensors.bytes());
  const auto maps = load_lora(place.path().string(), 1, model);
  if (maps) return "it loaded";
  CHECK(maps.error().kind == ErrorKind::model);
  CHECK(maps.error().message().find('\n') == std::string::npos);
  return maps.error().message();
}

}  // namespace

TEST_CASE("settings that are not supported are refused by name") {
  const Model model = load_model(source_folder() / "golden" / "llama");
  CHECK(refusal([](Folder&) {}, model) == "it loaded");
  const std::pair<Json, const char*> changes[] = {
      {{{"peft_type", "IA3"}}, "'peft_type' is \"IA3\", expected \"LORA\""},
      {{{"use_dora", true}}, "'use_dora' is true, which is not supported"},
      {{{"bias", "all"}}, "'bias' is \"all\""},
      {{{"lora_bias", true}}, "'lora_bias' is true"},
      {{{"modules_to_save", {"lm_head"}}}, "'modules_to_save' is [\"lm_head\"]"},
      {{{"layer_replication", {{0, 1}}}}, "'layer_replication' is"},
      {{{"alora_invocation_tokens", {1, 2}}}, "'alora_invocation_tokens' is"},
      {{{"trainable_token_indices", {1, 2}}}, "'trainable_token_indices' is"},
      {{{"something_new", 7}}, "'something_new' is 7, which is not supported"},
      {{{"init_lora_weights", "pissa"}}, "'init_lora_weights' is \"pissa\", which changes the model's own weights"},
      {{{"r", 3}}, "'r' is 3 for module 'model.layers.0.self_attn.q_proj', whose tensors have rank 2"},
      {{{"r", "2"}}, "'r' is \"2\", expected a number"},
      {{{"r", nullptr}}, "'r' is null, expected a number"},
      {{{"lora_alpha", nullptr}}, "'lora_alpha' is null, expected a number"},
      {{{"rank_pattern", {{"q_proj", 5}}}}, "'r' is 5 for module"},
      {{{"alpha_pattern", {{"q_proj", "x"}}}}, "'lora_alpha' is \"x\", expected a number"},
      {{{"alpha_pattern", {{"q_(proj", 2}}}}, "alpha_pattern"},
      {{{"alpha_pattern", {{"q_proj", 2}, {"self_attn.q_proj", 3}}}}, "'alpha_pattern' has two patterns for module"},
      {{{"alpha_pattern", 3}}, "'alpha_pattern' is no object"},
  };
  for (const auto& [change, said] : changes) {
    const std::string message = refusal([&](Folder& folder) { folder.config.update(change); }, model);
    INFO(message << " / " << said);
    CHECK(message.find(said) != message.npos);
    CHECK(message.find("adapter_config.json") != message.npos);
  }
}

TEST_CASE("tensors that do not fit are refused by name, and none is left over") {
  const Model model = load_model(source_folder() / "golden" / "llama");
  const auto with = [](std::string name, std::vector<std::size_t> shape, std::string dtype = "F32") {
    return [=](Folder& folder) { folder.tensors.all.push_back({name, shape, dtype}); };
  };
  const auto replaced = [](std::size_t i, std::vector<std::size_t> shape) {
    return [=](Folder& folder) { folder.tensors.all[i].shape = shape; };
  };
  const std::pair<std::function<void(Folder&)>, const char*> changes[] = {
      {[](Folder& f) { f.tensors.all.pop_back(); }, "has only one of lora_A and lora_B"},
      {[](Folder& f) { f.tensors.all.clear(); }, "holds no adapter"},
      {replaced(0, {2, 63}), "lora_A of 2 x 63 and lora_B of 64 x 2, expected R x 64 and 64 x R"},
      {replaced(1, {64, 3}), "lora_A of 2 x 64 and lora_B of 64 x 3"},
      {replaced(1, {64, 2, 1}), "is no matrix"},
      {replaced(1, {0, 2}), "is no matrix"},
      {with("base_model.model.lm_head.weight", {256, 64}), "is no part of a map of low rank"},
      {with(std::string(kQ) + ".lora_magnitude_vector", {64}), "is no part of a map of low rank"},
      {with("base_model.model.model.embed_tokens.lora_embedding_A", {2, 256}), "is no part of a map of low rank"},
      {with(std::string(kQ) + ".lora_B.bias", {64}), "is no part of a map of low rank"},
      {with("base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight", {2, 64}), "has only one of"},
      {with(std::string(kQ) + ".lora_A.default.weight", {2, 64}), "is there twice"},
      {with("x.lora_A.weight", {2, 64}, "U8"), "tensor 'x.lora_A.weight'"},
      {[](Folder& f) {
         f.tensors.all[0].name = "base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight";
         f.tensors.all[1].name = "base_model.model.model.layers.3.self_attn.q_proj.lora_B.weight";
       },
       "module 'model.layers.3.self_attn.q_proj' is none of this model's layers"},
      {[](Folder& f) {
         f.tensors.all[0].name = "base_model.model.vision_tower.layers.0.self_attn.q_proj.lora_A.weight";
         f.tensors.all[1].name = "base_model.model.vision_tower.layers.0.self_attn.q_proj.lora_B.weight";
       },
       "is none of this model's layers"},
      {[](Folder& f) {
         f.tensors.all[0].name = "base_model.model.lm_head.lora_A.weight";
         f.tensors.all[1] = {"base_model.model.lm_head.lora_B.weight", {256, 2}};
       },
       "module 'lm_head' cannot be adapted"},
  };
  for (const auto& [change, said] : changes) {
    const std::string message = refusal(change, model);
    INFO(message << " / " << said);
    CHECK(message.find(said) != message.npos);
  }
}

TEST_CASE("experts that are routed to are refused by name, whether stored one by one or together") {
  for (const auto& [name, module] : {std::pair{"mixtral", "model.layers.0.block_sparse_moe.experts.0.w1"},
                                     {"qwen2_moe", "model.layers.0.mlp.experts.0.gate_proj"}}) {
    const Model model = load_model(source_folder() / "golden" / name);
    const auto d_model = static_cast<std::size_t>(model.spec.d_model);
    const std::string message = refusal(
        [&](Folder& folder) {
          folder.tensors.all[0] = {std::string("base_model.model.") + module + ".lora_A.weight", {2, d_model}};
          folder.tensors.all[1] = {std::string("base_model.model.") + module + ".lora_B.weight", {48, 2}};
        },
        model);
    INFO(message);
    CHECK(message.find(module) != message.npos);
    CHECK(message != "it loaded");
  }
}

TEST_CASE("a folder without its files, and files that are cut") {
  const Model model = load_model(source_folder() / "golden" / "llama");
  const auto said = [&](const fs::path& path) {
    const auto maps = load_lora(path.string(), 1, model);
    return maps ? "it loaded" : maps.error().message();
  };
  const TemporaryFolder folder;
  CHECK(said(folder.path() / "nowhere").find("nowhere") != std::string::npos);
  CHECK(said(folder.path()).find("has no adapter_config.json") != std::string::npos);
  write_file(folder.path() / "adapter_config.json", Folder().config.dump());
  CHECK(said(folder.path()).find("adapter_model.safetensors") != std::string::npos);
  write_file(folder.path() / "adapter_model.bin", "PK");
  CHECK(said(folder.path()).find("is a pickle") != std::string::npos);
  const std::string bytes = Folder().tensors.bytes();
  for (const std::size_t n : {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{60}, bytes.size() - 1}) {
    write_file(folder.path() / "adapter_model.safetensors", bytes.substr(0, n));
    CHECK(said(folder.path()) != "it loaded");
  }
  std::string broken = bytes;
  broken.back() = broken[broken.size() - 2] = '\xff';
  write_file(folder.path() / "adapter_model.safetensors", broken);
  CHECK(said(folder.path()).find("values that are no numbers") != std::string::npos);
  write_file(folder.path() / "adapter_config.json", "[1]");
  CHECK(said(folder.path()).find("expected a JSON object") != std::string::npos);
  write_file(folder.path() / "adapter_config.json", "{");
  CHECK(said(folder.path()) != "it loaded");
}
