// Models by name: how -m finds what the Hugging Face libraries have downloaded.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

// A cache as the hub's libraries lay it out: blobs, links to them, refs.
class HubCache {
 public:
  fs::path path() const { return folder_.path(); }
  fs::path model(const std::string& folder) const { return path() / "hub" / folder; }

  void add(const std::string& folder, const std::string& revision, const std::string& commit) const {
    TinyModel().write(model(folder) / "blobs");
    const fs::path snapshot = model(folder) / "snapshots" / commit;
    fs::create_directories(snapshot);
    for (const auto& blob : fs::directory_iterator(model(folder) / "blobs"))
      fs::create_symlink(fs::path("../../blobs") / blob.path().filename(), snapshot / blob.path().filename());
    write_ref(folder, revision, commit);
  }
  void write_ref(const std::string& folder, const std::string& revision, std::string_view text) const {
    fs::create_directories((model(folder) / "refs" / revision).parent_path());
    write_file(model(folder) / "refs" / revision, text);
  }

  Ran run(const std::string& name, std::map<std::string, std::string> environment = {}) const {
    if (environment.empty()) environment = {{"HF_HOME", path().string()}};
    environment.try_emplace("HF_HUB_CACHE", "");
    environment.try_emplace("HUGGINGFACE_HUB_CACHE", "");
    return run_program({.arguments = {"-m", name, "--greedy", "-n2", "a"}, .environment = environment});
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("a model that the hub's libraries downloaded runs by its name") {
  const HubCache cache;
  cache.add("models--org--name", "main", kCommit);
  check(cache.run("org/name"), "bc");
  check(cache.run("org/name@main"), "bc");
  check(cache.run(std::string("org/name@") + kCommit), "bc");
  cache.add("models--single", "refs/pr/1", kCommit);
  cache.write_ref("models--single", "main", std::string(kCommit) + "\n");
  check(cache.run("single"), "bc");
  check(cache.run("single@refs/pr/1"), "bc");
}

TEST_CASE("where the hub's cache is") {
  const HubCache cache;
  cache.add("models--org--name", "main", kCommit);
  const std::string home = cache.path().string();
  check(cache.run("org/name", {{"HF_HUB_CACHE", home + "/hub"}, {"HF_HOME", "/nonexistent"}}), "bc");
  check(cache.run("org/name", {{"HUGGINGFACE_HUB_CACHE", home + "/hub"}, {"HF_HOME", "/nonexistent"}}), "bc");
  fs::create_directories(cache.path() / "huggingface");
  fs::create_directory_symlink(cache.path() / "hub", cache.path() / "huggingface/hub");
  check(cache.run("org/name", {{"HF_HOME", ""}, {"XDG_CACHE_HOME", home}}), "bc");
  fs::create_directories(cache.path() / ".cache");
  fs::create_directory_symlink(cache.path() / "huggingface", cache.path() / ".cache/huggingface");
  check(cache.run("org/name", {{"HF_HOME", ""}, {"XDG_CACHE_HOME", ""}, {"HOME", home}}), "bc");
}

TEST_CASE("a name that is not in the hub's cache says where was looked and what is there") {
  const HubCache cache;
  const std::string hub = (cache.path() / "hub").string();
  check_error(cache.run("org/other"), 3, "there is no Hugging Face cache " + hub);
  cache.add("models--org--name", "main", kCommit);
  check_error(cache.run("org/other"), 3,
              "org/other: no such folder or file, and no model of that name (shipped models: ");
  check_error(cache.run("org/other"), 3,
              "in the Hugging Face cache " + hub + ": org/name; `continuo pull org/other` fetches one");
  check_error(cache.run("org/name@v2"), 3, "the cache has no revision 'v2' of org/name (there are: main, ");
  // What cannot be a hub name is a path.
  for (const char* path : {"/org/name", "org/name/more", "org//name", "org/name@../x", "../org", "."})
    CHECK(cache.run(path).code == 3);
}

TEST_CASE("a broken hub cache") {
  const HubCache cache;
  cache.add("models--org--name", "main", kCommit);
  cache.write_ref("models--org--name", "up", "../../../../etc");
  check_error(cache.run("org/name@up"), 3, "does not hold the name of a commit");
  cache.write_ref("models--org--name", "empty", "");
  check_error(cache.run("org/name@empty"), 3, "does not hold the name of a commit");
  cache.write_ref("models--org--name", "gone", "ffff");
  check_error(cache.run("org/name@gone"), 3,
              "the cache's revision 'gone' is the commit ffff, of which it has no snapshot");
  fs::remove(cache.model("models--org--name") / "blobs/model.safetensors");
  check_error(cache.run("org/name"), 3, "was the download finished?");
}

TEST_CASE("a folder with one GGUF model and no weights of its own is that model") {
  const HubCache cache;
  const fs::path tales = source_folder().parent_path() / "models/tales";
  const fs::path snapshot = cache.model("models--org--tales-GGUF") / "snapshots" / kCommit;
  fs::create_directories(snapshot);
  cache.write_ref("models--org--tales-GGUF", "main", kCommit);
  for (const char* file : {"config.json", "tokenizer.json", "model.safetensors"})
    fs::create_symlink(tales / file, snapshot / file);
  const std::string folder = snapshot.string(), gguf = (snapshot / "tales-q8_0.gguf").string();
  REQUIRE(run_program({"quantize", "-q", folder, gguf, "--to", "q8_0"}).code == 0);
  const auto model = [&](const std::string& name) -> std::string {
    const Ran ran = run_program({.arguments = {"-m", name, "--json", "-n1", "a"},
                                 .environment = {{"HF_HUB_CACHE", (cache.path() / "hub").string()}}});
    CHECK(ran.err == "");
    return ran.code == 0 ? Json::parse(ran.out)["model"].get<std::string>() : "";
  };
  CHECK(model(folder) == folder);  // its own weights come first
  fs::remove(snapshot / "model.safetensors");
  CHECK(model(folder) == gguf);
  CHECK(model("org/tales-GGUF") == gguf);
  for (const char* file : {"config.json", "tokenizer.json"}) fs::remove(snapshot / file);
  CHECK(model("org/tales-GGUF") == gguf);
  check(run_program({"tokenize", "-m", folder, "The king"}), run_program({"tokenize", "-m", gguf, "The king"}).out);
  // Parts but the first belong to a model; a second model leaves it open which is meant.
  write_file(snapshot / "x-00002-of-00002.gguf", "");
  CHECK(model("org/tales-GGUF") == gguf);
  write_file(snapshot / "x-00001-of-00002.gguf", "");
  write_file(snapshot / "other.gguf", "");
  check_error(run_program({"-m", folder, "a"}), 3,
              "holds 3 GGUF models, expected one (give the path of the one that is meant: other.gguf, "
              "tales-q8_0.gguf, "
              "x-00001-of-00002.gguf)");
}
