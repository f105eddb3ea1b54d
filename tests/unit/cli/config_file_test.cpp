// The configuration file: its lines, its sections, and what holds when options are typed as well.
#include "cli/config_file.h"

#include "unit/cli/parsing.h"

using namespace continuo;
using namespace continuo::test;

namespace {

std::string config_error(std::string_view text) {
  const auto config = parse_config("c", text);
  return config ? "" : config.error().message();
}

Result<Options> resolved(std::string_view text, const std::vector<std::string>& arguments,
                         const std::string& profile = "", std::string_view command = "") {
  const OptionGroups groups = command_named(command).groups;
  CONTINUO_TRY(const ConfigFile config, parse_config("c", text));
  CONTINUO_TRY(const Arguments typed, parse_arguments(arguments, groups));
  CONTINUO_TRY(const auto values, config_values(config, profile, groups, typed.values));
  Options options = typed.words;
  CONTINUO_TRY_VOID(set_options(values, options));
  CONTINUO_TRY_VOID(set_options(typed.values, options));
  return options;
}

std::string resolved_error(std::string_view text, const std::string& profile = "", std::string_view command = "") {
  const auto options = resolved(text, {}, profile, command);
  return options ? "" : options.error().message();
}

const std::string kConfig =
    "# what I like\n"
    "temperature = 0.5\r\n"
    "\n"
    "[default]\n"
    "stop = [\"a, b\", '\\n']  # two\n"
    "max_new_tokens = 7\n"
    "lookup = true\n"
    "ids = false\n"
    "at-once = 4\n"
    "[story]\n"
    "temperature=\"1.5\"\n"
    "stop = \"\\n\\\"\\\\\"\n"
    "[empty]\n";

}  // namespace

TEST_CASE("a configuration sets options, typed ones count before it") {
  const Options plain = *resolved(kConfig, {});
  CHECK(plain.sampling.temperature == 0.5f);
  CHECK(plain.stop == std::vector<std::string>{"a, b", "\\n"});
  CHECK(plain.max_tokens == 7);
  CHECK(plain.lookup);
  CHECK(!plain.ids);
  CHECK(plain.batch.at_once == Options().batch.at_once);  // no option of continuo without a command
  CHECK(resolved(kConfig, {}, "", "batch")->batch.at_once == 4);

  const Options typed = *resolved(kConfig, {"--stop", "c", "-n", "3", "--greedy"});
  CHECK(typed.stop == std::vector<std::string>{"c"});
  CHECK(typed.max_tokens == 3);
  CHECK(typed.sampling.temperature == 0.0f);
}

TEST_CASE("a profile counts before the default section") {
  const Options story = *resolved(kConfig, {}, "story");
  CHECK(story.sampling.temperature == 1.5f);
  CHECK(story.stop == std::vector<std::string>{"\n\"\\"});
  CHECK(story.max_tokens == 7);
  CHECK(resolved(kConfig, {"--temperature", "2"}, "story")->sampling.temperature == 2.0f);
  CHECK(resolved(kConfig, {}, "empty")->sampling.temperature == 0.5f);
  CHECK(resolved(kConfig, {}, "default")->sampling.temperature == 0.5f);
  CHECK(resolved_error(kConfig, "nothing") == "c: there is no profile 'nothing' (there are: default, empty, story)");
}

TEST_CASE("an order of options in the file is kept") {
  CHECK(resolved("greedy = true\n[p]\ntemperature = 1\n", {}, "p")->sampling.temperature == 1.0f);
  CHECK(resolved("temperature = 1\n[p]\ngreedy = true\n", {}, "p")->sampling.temperature == 0.0f);
}

TEST_CASE("a line that cannot be meant is named") {
  CHECK(config_error("\ntemprature = 1\n") ==
        "c: line 2: 'temprature' is no option of continuo, expected the long name of one");
  CHECK(config_error("prompt = 'x'") == "c: line 1: 'prompt' belongs on the command line");
  CHECK(config_error("profile = 'x'") == "c: line 1: 'profile' belongs on the command line");
  CHECK(config_error("temp") == "c: line 1: expected '=' behind 'temp'");
  CHECK(config_error("n = 3").find("'n' is no option") != std::string::npos);
  for (const char* text :
       {"temp =", "temp = 1 2", "temp = 'x", "temp = \"x", "stop = \"\\q\"", "stop = \"\\", "stop = ['a' 'b']",
        "stop = ['a'", "stop = [,]", "temp = [1, 2]", "temp = []", "[a", "[]", "[a] b", "= 3", "temp = !",
        "temp = 1\ntemperature = 2", "\xff = 1", "[a]\n[b]\ntemp = 1\ntemp = 1"}) {
    CAPTURE(text);
    CHECK(config_error(text).starts_with("c: line "));
  }
  CHECK(config_error("temp = 1 # two\n[a]\ntemp = 1") == "");
  CHECK(config_error("stop = []") == "");
  CHECK(config_error("") == "");
  CHECK(config_error("\n\n# only remarks") == "");
}

TEST_CASE("a value that cannot be meant is named with its line") {
  CHECK(resolved_error("\ntemperature = hot") == "c: line 2: --temperature is 'hot', expected a number >= 0");
  CHECK(resolved_error("lookup = yes") == "c: line 1: lookup is 'yes', expected true or false");
  CHECK(resolved_error("stop = ''").starts_with("c: line 1: --stop is empty"));
  CHECK(resolved_error("at-once = 0", "", "batch").starts_with("c: line 1: --at-once is 0"));
  CHECK(resolved_error("at-once = 0") == "");  // not an option of this command
}
