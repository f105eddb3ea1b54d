#include "base/json.h"
#include "io/checkpoint.h"

#include "catch.h"
#include "support.h"
#include "unit/io/samples.h"

using namespace continuo;
using continuo::test::message_of;
using continuo::test::numbered;

namespace {

// A folder with the files given, and what becomes of loading it. "@" in messages stands for the folder.
struct Folder {
  test::TemporaryFolder place;

  Folder(std::initializer_list<std::pair<std::string, std::string>> files) {
    for (const auto& [name, text] : files) test::write_file(place.path() / name, text);
  }
  Result<Checkpoint> load() const { return load_checkpoint(ModelFiles::folder(place.path().string()).value()); }
  std::string refusal() const {
    std::string message = message_of(load());
    for (auto at = message.find(place.path().string()); at != message.npos; at = message.find(place.path().string())) {
      message.replace(at, place.path().string().size(), "@");
    }
    return message;
  }
};

const std::string kOne = test::safetensors({{"a", numbered({1})}});
const std::string kTwo = test::safetensors({{"b", numbered({2})}, {"c", numbered({1})}});
constexpr const char* kIndex = "model.safetensors.index.json";

}  // namespace

TEST_CASE("a checkpoint is config.json and model.safetensors", "[io]") {
  const Folder folder{{"config.json", R"({"x": 1})"}, {"model.safetensors", kOne}};
  const auto checkpoint = folder.load();
  REQUIRE(message_of(checkpoint).empty());
  CHECK(checkpoint->name == folder.place.path().string());
  CHECK(checkpoint->config_file == folder.place.path().string() + "/config.json");
  CHECK(checkpoint->config["x"] == 1);
  CHECK(checkpoint->generation_config == Json::object());
  CHECK(checkpoint->tensors.size() == 1);
}

TEST_CASE("generation_config.json is read if it is there", "[io]") {
  const Folder folder{{"config.json", "{}"}, {"generation_config.json", R"({"y": 2})"}, {"model.json", "{}"}};
  CHECK(folder.load()->generation_config["y"] == 2);
  const Folder broken{{"config.json", "{}"}, {"generation_config.json", "[]"}, {"model.json", "{}"}};
  CHECK(broken.refusal() == "@/generation_config.json: the file holds array, expected an object");
}

TEST_CASE("weights may be model.json", "[io]") {
  const Folder folder{{"config.json", "{}"}, {"model.json", R"({"a": [1]})"}};
  CHECK(folder.load()->tensors.count("a") == 1);
}

TEST_CASE("config.json must be an object, once", "[io]") {
  CHECK(Folder{{"config.json", "3"}, {"model.json", "{}"}}.refusal() ==
        "@/config.json: the file holds number, expected an object");
  CHECK(Folder{{"config.json", R"({"a": 1, "a": 2})"}, {"model.json", "{}"}}.refusal() ==
        "@/config.json: the key 'a' stands twice");
  CHECK(Folder{{"config.json", R"({"r": {"a": 1, "a": 2}})"}, {"model.json", "{}"}}.refusal() ==
        "@/config.json: the key 'a' stands twice");
  CHECK(Folder{{"config.json", ""}, {"model.json", "{}"}}.refusal().find("the file is empty") != std::string::npos);
  CHECK(Folder{{"config.json", "{\"a\": "}, {"model.json", "{}"}}.refusal().find("not valid JSON") !=
        std::string::npos);
}

TEST_CASE("more than one kind of weights is an error", "[io]") {
  const std::string hint = " are there (move one of them away to say which is meant)";
  CHECK(Folder{{"config.json", "{}"}, {"model.json", "{}"}, {"model.safetensors", kOne}}.refusal() ==
        "@: both model.safetensors and model.json" + hint);
  CHECK(Folder{{"config.json", "{}"}, {kIndex, "{}"}, {"model.safetensors", kOne}}.refusal() ==
        "@: both model.safetensors and model.safetensors.index.json" + hint);
}

TEST_CASE("a folder without weights says what it holds instead", "[io]") {
  const std::string none = "@: no weights: neither model.safetensors nor model.safetensors.index.json nor model.json (";
  CHECK(Folder{{"config.json", "{}"}}.refusal() == none + "was the download finished?)");
  CHECK(Folder{{"config.json", "{}"}, {"pytorch_model.bin", ""}}.refusal() ==
        none +
            "PyTorch's own files are not read; convert them to safetensors (with transformers: from_pretrained, "
            "save_pretrained))");
  CHECK(Folder{{"config.json", "{}"}, {"model-00001-of-00002.safetensors", ""}}.refusal() ==
        none + "there are parts, but no model.safetensors.index.json that lists them)");
  CHECK(Folder{{"config.json", "{}"}, {"adapter_model.safetensors", ""}}.refusal() ==
        none +
            "an adapter is not a model; merge it into its base model (with PEFT: merge_and_unload, save_pretrained))");
  const std::string makers =
      "consolidated* and params.json are in the makers' own layout; take the folder in that of transformers)";
  CHECK(Folder{{"config.json", "{}"}, {"consolidated.safetensors", kOne}}.refusal() == none + makers);
  CHECK(Folder{{"params.json", "{}"}, {"consolidated.00.pth", ""}}.refusal() == "@: no config.json (" + makers);
  CHECK(Folder{{"adapter_config.json", "{}"}}.refusal() ==
        "@: no config.json (an adapter is not a model; merge it into its base model (with PEFT: merge_and_unload, "
        "save_pretrained))");
  CHECK(Folder{{"config.json", "{}"}, {"other.safetensors", ""}}.refusal() ==
        none + "a .safetensors file of another name is not read; is it the model?)");
  CHECK(Folder{{"model-q4.gguf", ""}}.refusal() ==
        "@: no config.json (to use the GGUF file that is there, give its own path)");
  CHECK(Folder{{"model.safetensors", kOne}}.refusal() == "@: no config.json (was the download finished?)");
}

TEST_CASE("shards: all parts together", "[io]") {
  const Folder folder{
      {"config.json", "{}"},
      {kIndex, R"({"metadata": {"total_size": 16}, "weight_map": {"a": "1.safetensors", "b": "2.safetensors",
                   "c": "2.safetensors"}})"},
      {"1.safetensors", kOne},
      {"2.safetensors", kTwo}};
  const auto checkpoint = folder.load();
  REQUIRE(message_of(checkpoint).empty());
  CHECK(checkpoint->tensors.size() == 3);
  CHECK(checkpoint->storage.size() == 2);
  CHECK(checkpoint->tensors.at("c").file == folder.place.path().string() + "/2.safetensors");
}

TEST_CASE("shards: map and parts must agree", "[io]") {
  const auto refusal = [](const std::string& map) {
    return Folder{{"config.json", "{}"},
                  {kIndex, "{\"weight_map\": " + map + "}"},
                  {"1.safetensors", kOne},
                  {"2.safetensors", kTwo}}
        .refusal();
  };
  const std::string index = "@/model.safetensors.index.json: ";
  CHECK(refusal(R"({"a": "1.safetensors"})").empty());
  CHECK(
      refusal(R"({"a": "2.safetensors", "b": "2.safetensors", "c": "1.safetensors"})") ==
      index +
          "tensor 'a' should be in @/2.safetensors, but is in @/1.safetensors (do all parts belong to the same model?)");
  CHECK(refusal(R"({"b": "2.safetensors"})") ==
        "@/2.safetensors: tensor 'c' is not listed in model.safetensors.index.json (do all parts belong to "
        "the same "
        "model?)");
  CHECK(refusal(R"({"a": "3.safetensors"})").starts_with("@/3.safetensors: no such file"));
  CHECK(refusal(R"({"a": "../1.safetensors"})").starts_with("@: '../1.safetensors' is not a plain file name"));
  CHECK(refusal(R"({"a": "/etc/passwd"})").starts_with("@: '/etc/passwd' is not a plain file name"));
  CHECK(refusal(R"({"a": 3})") == index + "weight_map: 'a' names no file");
  CHECK(refusal(R"({"a": "1.safetensors", "a": "2.safetensors"})") == index + "the key 'a' stands twice");
  CHECK(refusal("{}") == index + "'weight_map' is missing or not an object that names tensors");
  CHECK(refusal("[]") == index + "'weight_map' is missing or not an object that names tensors");
  CHECK(refusal(R"({"a": "config.json"})").starts_with("@/config.json: "));
}

TEST_CASE("shards: a tensor in two parts is refused", "[io]") {
  const Folder folder{{"config.json", "{}"},
                      {kIndex, R"({"weight_map": {"a": "1.safetensors", "x": "2.safetensors"}})"},
                      {"1.safetensors", kOne},
                      {"2.safetensors", kOne}};
  CHECK(folder.refusal() == "@/2.safetensors: tensor 'a' is in @/1.safetensors as well");
}
