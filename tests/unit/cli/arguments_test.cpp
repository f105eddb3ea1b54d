// From arguments to Options: every value byte for byte, options anywhere, the last of two counts.
#include "catch.h"
#include "unit/cli/parsing.h"

using namespace continuo;
using namespace continuo::test;

namespace {

// Texts that a parser might look into.
const std::vector<std::string> kTexts = {
    "[a,b]", "[[a]]", "[]",       "]",    "a]",          "{}",  "%%", "{a}", "'a'",   "\"a b\"", "a,b",
    ",",     "a=b",   "=",        "a\nb", "\n",          " a ", "",   "++",  "/help", "\\n",     "$HOME",
    "true",  "false", "\xff\xfe", "\xc3", "caf\xc3\xa9", "#",   ";",  "!",   "--=",   "a-b",     "a--b"};

// The same, beginning with a dash: values, and words behind "--".
const std::vector<std::string> kDashed = {"-",       "--",       "---",          "-x",  "-5",   "-n",  "--json",
                                          "--stop=", "--stop=x", "--nonsense=]", "-hf", "-ngl", "-q-", "-[a,b]",
                                          "--[a]",   "-\xff",    "-]",           "- a", "-- a"};

}  // namespace

TEST_CASE("words are taken byte for byte") {
  for (const std::string& text : kTexts) {
    CAPTURE(text);
    if (!text.starts_with('-')) {
      CHECK(parsed({text}).words == std::vector{text});
      CHECK(parsed({text, text}).words == std::vector{text, text});
      CHECK(parsed({"--greedy", text, "-n", "3"}).words == std::vector{text});
    }
    CHECK(parsed({"--", text}).words == std::vector{text});
  }
  for (const std::string& text : kDashed) {
    CAPTURE(text);
    CHECK(parsed({"--", text}).words == std::vector{text});
    CHECK(parsed({"-n3", "--", "a", text, text}).words == std::vector<std::string>{"a", text, text});
  }
}

TEST_CASE("values are taken byte for byte, however they are attached") {
  std::vector<std::string> all = kTexts;
  all.insert(all.end(), kDashed.begin(), kDashed.end());
  for (const std::string& text : all) {
    CAPTURE(text);
    CHECK(parsed({"--prompt", text}).prompt == text);
    CHECK(parsed({"--prompt=" + text}).prompt == text);
    CHECK(parsed({"-p", text}).prompt == text);
    if (!text.empty()) CHECK(parsed({"-p" + text}).prompt == text);
    if (!text.empty()) CHECK(parsed({"-qp" + text, "a"}).prompt == text);
    if (!text.empty()) CHECK(parsed({"--stop", text, "--stop=" + text}).stop == std::vector{text, text});
  }
}

TEST_CASE("options stand anywhere") {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"-n", "5", "--greedy", "one", "two"},
                                             {"one", "-n5", "two", "--greedy"},
                                             {"--greedy", "one", "--max-tokens=5", "two"},
                                             {"one", "--max_tokens", "5", "--greedy", "--", "two"}}) {
    CAPTURE(arguments);
    const Options options = parsed(arguments);
    CHECK(options.words == std::vector<std::string>{"one", "two"});
    CHECK(options.max_tokens == 5);
    CHECK(options.sampling.temperature == 0.0f);
  }
}

TEST_CASE("the last of two counts") {
  CHECK(parsed({"-n", "1", "--max-tokens", "2", "--n-predict", "3"}).max_tokens == 3);
  CHECK(parsed({"--n-predict", "3", "-n1"}).max_tokens == 1);
  CHECK(parsed({"--greedy", "--temperature", "1"}).sampling.temperature == 1.0f);
  CHECK(parsed({"--temperature", "1", "--greedy"}).sampling.temperature == 0.0f);
  CHECK(parsed({"-m", "a", "--model=b"}).model == "b");
  CHECK(parsed({"-p", "a", "-pb"}).prompt == "b");
  CHECK(parsed({"-vv"}).verbosity == 2);
  CHECK(parsed({"-v", "-q"}).verbosity == -1);
  CHECK(parsed({"--json", "--json"}).json);
}

TEST_CASE("a dash alone is stdin, once and not behind --") {
  CHECK(parsed({"-"}).stdin_wanted);
  CHECK(parsed({"-n3", "-", "--greedy"}).stdin_wanted);
  CHECK(!parsed({"--", "-"}).stdin_wanted);
  CHECK(!parsed({"-", "a"}).stdin_wanted);
  CHECK(!parsed({"a", "-"}).stdin_wanted);
  CHECK(!parsed({"-p", "-"}).stdin_wanted);
}

TEST_CASE("a value that is missing or superfluous is named") {
  CHECK(error_of({"a", "-n"}) == "-n needs a value: -n N");
  CHECK(error_of({"a", "--max-tokens"}) == "--max-tokens needs a value: --max-tokens N");
  CHECK(error_of({"--n_predict"}) == "--n_predict needs a value: --n_predict N");
  CHECK(error_of({"-n=5"}).starts_with("--max-tokens is '=5'"));
  CHECK(error_of({"-qn"}) == "-n needs a value: -n N");
  CHECK(error_of({"--json=yes"}) == "--json takes no value");
  CHECK(error_of({"--json="}) == "--json takes no value");
  CHECK(error_of({"--json=true"}) == "--json takes no value");
  CHECK(error_of({"--json={}"}) == "--json takes no value");
  CHECK(error_of({"--stop="}) == "--stop is empty, expected some text (is a variable unset?)");
  CHECK(error_of({"--model", ""}).starts_with("--model is empty"));
  CHECK(error_of({"-m", ""}).starts_with("--model is empty"));
  CHECK(error_of({"--model="}).starts_with("--model is empty"));
  CHECK(error_of({"-f", ""}).starts_with("--file is empty"));
  CHECK(error_of({"-o", ""}, "batch").starts_with("--output is empty"));
}

TEST_CASE("an unknown option is refused, with what was probably meant") {
  const auto error = [](const std::vector<std::string>& arguments, const std::string& message) {
    CHECK(error_of(arguments) == message);
  };
  error({"--temprature", "1"}, "unknown option --temprature (is --temperature meant?)");
  error({"--temprature=1"}, "unknown option --temprature (is --temperature meant?)");
  error({"--max-tokesn=1"}, "unknown option --max-tokesn (is --max-tokens meant?)");
  error({"--max_tokesn=1"}, "unknown option --max_tokesn (is --max-tokens meant?)");
  error({"--gredy"}, "unknown option --gredy (is --greedy meant?)");
  error({"--presence"}, "unknown option --presence (is --presence-penalty meant?)");
  const std::string other = " (--help lists all; text that begins with '-' goes after --)";
  for (const char* typed : {"--nonsense", "-x", "-5", "---", "-q-"}) {
    CAPTURE(typed);
    const std::string shown = std::string(typed) == "-q-" ? "--" : typed;
    error({typed}, "unknown option " + shown + other);
  }
  error({"-q-json"}, "unknown option --json (is --json meant?)");
  CHECK(error_of({"-\xff"}).starts_with("unknown option -"));
  CHECK(error_of({"--pieces"}).starts_with("unknown option --pieces"));
}

TEST_CASE("what other tools' users type") {
  CHECK(parsed({"-p", "TEXT"}).prompt == "TEXT");
  CHECK(parsed({"--temp", "0.5"}).sampling.temperature == 0.5f);
  CHECK(parsed({"-s", "7"}).seed == 7);
  CHECK(parsed({"-s7"}).seed == 7);
  CHECK(parsed({"--n-predict", "9"}).max_tokens == 9);
  CHECK(parsed({"--predict", "9"}).max_tokens == 9);
  CHECK(parsed({"--prompt-file", "x"}).file == "x");
  CHECK(parsed({"--repetition-penalty", "1.5"}).sampling.repeat_penalty == 1.5f);
  CHECK(parsed({"--repetition_penalty", "1.5"}).sampling.repeat_penalty == 1.5f);
  CHECK(parsed({"--max_new_tokens", "9"}).max_tokens == 9);
  CHECK(parsed({"--max-new-tokens=9"}).max_tokens == 9);
  CHECK(parsed({"--max_tokens", "9"}).max_tokens == 9);
  CHECK(parsed({"--num_predict", "9"}).max_tokens == 9);
  CHECK(parsed({"--top_p", "0.5", "--top_k", "3"}).sampling.top_k == 3);
  CHECK(parsed({"--typical", "0.5"}).sampling.typical_p == 0.5f);
  CHECK(parsed({"--model_name_or_path", "x"}).model == "x");
  CHECK(parsed({"-r", "3"}, "bench").bench_repeat == 3);

  const auto refused = [](const std::vector<std::string>& arguments, const std::string& typed,
                          const std::string& instead) {
    const std::string message = error_of(arguments);
    CHECK(message.starts_with("unknown option " + typed + " ("));
    CHECK(message.find(instead) != std::string::npos);
  };
  refused({"-hf", "org/name"}, "-hf", "-m ORG/NAME");
  refused({"a", "-hfr", "org/name"}, "-hfr", "-m ORG/NAME");
  refused({"--hf-repo", "org/name"}, "--hf-repo", "-m ORG/NAME");
  refused({"-ngl", "99", "a"}, "-ngl", "leave it out");
  refused({"--n-gpu-layers", "99"}, "--n-gpu-layers", "leave it out");
  refused({"-c", "4096"}, "-c", "--max-tokens");
  refused({"-c4096"}, "-c4096", "--max-tokens");
  refused({"--ctx-size=4096"}, "--ctx-size", "--max-tokens");
  refused({"--num_ctx", "4096"}, "--num_ctx", "--max-tokens");
  refused({"-sys", "x"}, "-sys", "--system TEXT");
  refused({"-r", "x"}, "-r", "--stop");
  refused({"-e"}, "-e", "byte for byte");
  refused({"--no-display-prompt"}, "--no-display-prompt", "--echo");
  refused({"--num_beams", "4"}, "--num_beams", "beam search");
  refused({"--do_sample"}, "--do_sample", "--greedy");
  refused({"--max_length", "4"}, "--max_length", "--max-tokens");
  CHECK(parsed({"--stop", "-hf", "-p", "-ngl"}).stop == std::vector<std::string>{"-hf"});
  CHECK(parsed({"-fa"}).file == "a");
}
