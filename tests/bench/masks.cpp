// What masks of JSON schemas cost, and which schemas are served: the measure of MaskBench
// (guidance-ai/jsonschemabench).
//
//   bench_masks --schemas FOLDER --tokenizer tokenizer.json [--every N] [--from I] [--faults FILE]
//
// FOLDER holds files like {"schema": ..., "tests": [{"data": ..., "valid": true}, ...]}. A schema passes if it is read,
// and each of its tests is taken to its last token or not, as it says. A mask's time is that of finding the tokens that
// may come and of taking the next one; that of a schema is its reading up to the first mask.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "grammar/matcher.h"
#include "grammar/readers.h"
#include "text/tokenizer.h"

using namespace continuo;

namespace {

using Ordered = nlohmann::ordered_json;

// As Python's json module writes it: a blank behind commas and colons.
void write(const Ordered& value, std::string& text) {
  if (!value.is_structured()) {
    text += value.dump(-1, ' ', false, Ordered::error_handler_t::replace);
    return;
  }
  text += value.is_array() ? '[' : '{';
  bool first = true;
  for (const auto& [key, part] : value.items()) {
    if (!first) text += ", ";
    first = false;
    if (value.is_object()) text += Ordered(key).dump(-1, ' ', false, Ordered::error_handler_t::replace) + ": ";
    write(part, text);
  }
  text += value.is_array() ? ']' : '}';
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The processor's time, whatever else the machine does.
double now_us() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return 1e6 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_nsec);
}

struct Times {
  std::vector<double> us;
  std::string line() {
    if (us.empty()) return "none";
    std::sort(us.begin(), us.end());
    double sum = 0;
    for (const double t : us) sum += t;
    const auto at = [&](double share) {
      return us[std::min(us.size() - 1, static_cast<std::size_t>(share * static_cast<double>(us.size())))];
    };
    return fmt::format("mean {:.1f}  p50 {:.1f}  p90 {:.1f}  p99 {:.1f}  p99.9 {:.1f}  max {:.1f} us  ({})",
                       sum / static_cast<double>(us.size()), at(0.5), at(0.9), at(0.99), at(0.999), us.back(),
                       us.size());
  }
};

struct Tally {
  std::map<std::string, int> outcomes;
  Times masks, schemas;
};

class Bench {
 public:
  Bench(const Tokenizer& tokenizer, std::FILE* faults)
      : tokenizer_(tokenizer), trie_(std::make_shared<const TokenTrie>(tokenizer)), faults_(faults) {}

  void file(const std::filesystem::path& path) {
    const Ordered json = Ordered::parse(read(path));
    const std::string schema = json.at("schema").dump();
    const double start = now_us();
    const auto automaton = read_constraint({ConstraintKind::json, {schema}});
    if (!automaton) return fault(path, "refused", automaton.error().message());
    Matcher matcher(*automaton, trie_);
    (void)matcher.allowed(matcher.start());
    tally_.schemas.us.push_back(now_us() - start);
    std::string outcome = "passing";
    for (const Ordered& one : json.at("tests")) {
      std::string text;
      write(one.at("data"), text);
      const bool valid = one.at("valid").get<bool>(), taken = run(matcher, text);
      if (taken == valid) continue;
      outcome = valid ? "valid one refused" : "invalid one taken";
      fault(path, "", outcome + ": " + text);
    }
    ++tally_.outcomes[outcome];
  }
  Tally& tally() { return tally_; }

 private:
  bool run(Matcher& matcher, const std::string& text) {
    std::uint32_t set = matcher.start();
    for (const TokenId id : tokenizer_.encode(text, false)) {
      const double start = now_us();
      const Grammar::Tokens allowed = matcher.allowed(set);
      const auto at = static_cast<std::size_t>(id);
      const bool may_come = allowed && ((*allowed)[at / 64] >> (at % 64) & 1) != 0;
      if (may_come) set = matcher.advance(set, trie_->bytes(id));
      tally_.masks.us.push_back(now_us() - start);
      if (!may_come) return false;
    }
    return true;
  }

  void fault(const std::filesystem::path& path, const std::string& outcome, const std::string& what) {
    if (!outcome.empty()) ++tally_.outcomes[outcome];
    if (faults_) fmt::print(faults_, "{}\t{}\n", path.filename().string(), what.substr(0, 400));
  }

  const Tokenizer& tokenizer_;
  std::shared_ptr<const TokenTrie> trie_;
  std::FILE* faults_;
  Tally tally_;
};

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options = {{"--every", "1"}, {"--from", "0"}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  if (!options.count("--schemas") || !options.count("--tokenizer")) {
    std::fputs(
        "usage: bench_masks --schemas FOLDER --tokenizer tokenizer.json [--every N] [--from I] [--faults FILE]\n",
        stderr);
    return 2;
  }
  const auto tokenizer = Tokenizer::parse(read(options["--tokenizer"]), options["--tokenizer"]);
  if (!tokenizer) {
    fmt::print(stderr, "{}\n", tokenizer.error().message());
    return 3;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(options["--schemas"])) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::FILE* const faults = options.count("--faults") ? std::fopen(options["--faults"].c_str(), "w") : nullptr;
  const double start = now_us();
  Bench bench(*tokenizer, faults);
  fmt::print("vocabulary of {} tokens, made ready in {:.1f} ms\n", tokenizer->vocab_size(), (now_us() - start) / 1000);
  for (std::size_t i = std::stoul(options["--from"]); i < files.size(); i += std::stoul(options["--every"]))
    bench.file(files[i]);
  for (const auto& [outcome, count] : bench.tally().outcomes) fmt::print("{:>6} {}\n", count, outcome);
  fmt::print("masks:   {}\nschemas: {}\n", bench.tally().masks.line(), bench.tally().schemas.line());
  if (faults) std::fclose(faults);
  return 0;
}
