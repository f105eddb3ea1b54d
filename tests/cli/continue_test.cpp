// continuo [PROMPT...] as a person and as a script use it.
#include <signal.h>

#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;
using Json = nlohmann::json;

TEST_CASE("the prompt comes from arguments, stdin or a file") {
  const Folder folder;
  check(run_program(folder.with({"-n", "5", "a"})), "bcdef");
  check(run_program(folder.with({"-n", "3", "one", "two", "c"})), "def");
  check(run_program(folder.with({"-n3"}), "X"), "XXX");
  check(run_program(folder.with({"-n3", "-"}), "a"), "bcd");
  check(run_program(folder.with({"-n3", "--", "-"})), "---");
  check(run_program(folder.with({"-n3", "-p", "k"})), "lmn");
  check(run_program(folder.with({"-n3", "--prompt=-"})), "---");
  check(run_program(folder.with({"-n3", "--", "--help"})), "qrs");
  check(run_program(folder.with({"-n3", "-f", folder.file("prompt", "k\n")})), "lmn");
  check(run_program(folder.with({"-n3", "-f", "-"}), "k"), "lmn");
  check(run_program(folder.with({"--max-tokens=3", "--echo", "word tokenize"})), "word tokenizefgh");
  check(run_program(folder.with({"-n3", "tokenize"})), "fgh");  // a command is one only as the first argument
  check(run_program(folder.with({"-n3", "[a,b]"})), "]]]");
}

TEST_CASE("the one newline that ends stdin or a file is dropped") {
  const Folder folder;
  const auto echo = [&](std::string_view input, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"-n0", "--echo"});
    const Ran ran = run_program(folder.with(more), input);
    CHECK(ran.code == 0);
    return ran.out;
  };
  CHECK(echo("a\n") == "a");
  CHECK(echo("a\n\n") == "a\n");
  CHECK(echo("\n") == "");
  CHECK(echo("a\r\n") == "a\r");
  CHECK(echo(" a\\n \n") == " a\\n ");
  CHECK(echo("a\n", {"--exact"}) == "a\n");
  CHECK(echo("", {"a\n"}) == "a\n");  // an argument is byte for byte
  CHECK(echo(std::string_view("a\0b", 3)) == std::string_view("a\0b", 3));
  CHECK(echo("\xff\xfe") == "\xff\xfe");
  const std::string large = std::string(300, 'x');
  check_error(run_program(folder.with({"-n1"}), large), 4, "301 tokens and the model's context holds 64");
}

TEST_CASE("an empty prompt begins with BOS, where there is one") {
  check(run_program(Folder().with({"-n3", ""})), "abc");
  check(run_program(Folder().with({"-n3"}), ""), "abc");
  check_error(run_program(Folder({.bos = false}).with({"-n3", ""})), 2, "the prompt is empty");
}

TEST_CASE("stop strings end the text and are never printed") {
  const Folder folder;
  check(run_program(folder.with({"--stop", "fgh", "--stop", "zz", "a"})), "bcde");
  check(run_program(folder.with({"--stop=de", "--stop", "f", "a"})), "bc");
  check(run_program(folder.with({"-n4", "--stop", "efg", "a"})), "bcde");
  check_error(run_program(folder.with({"--stop", "", "a"})), 2, "--stop is empty");
}

TEST_CASE("the text is whole characters") {
  const Folder folder;
  check(run_program(folder.with({"-n6", "1"})), "€€");
  check(run_program(folder.with({"-n4", "1"})), "€\uFFFD");
  check(run_program(folder.with({"-n3", "--ids", "49"})), "226 130 172\n");
}

TEST_CASE("token ids in and out") {
  const Folder folder;
  check(run_program(folder.with({"--ids", "-n3", "97"})), "98 99 100\n");
  check(run_program(folder.with({"--ids", "-n3"}), "256, 97\n\t98,,\n"), "99 100 101\n");
  check(run_program(folder.with({"--ids", "-n2", "--echo", "1", "97"})), "1 97 98 99\n");
  check(run_program(folder.with({"--ids", "33"})), "257\n");  // the end token is told
  check_error(run_program(folder.with({"--ids", "97 x1"})), 2, "'x1'");
  check_error(run_program(folder.with({"--ids", "97 258"})), 2,
              "token id 258 is outside the vocabulary, expected 0 to 257");
  check_error(run_program(folder.with({"--ids", "--", "-1"})), 2, "token id -1");
  check_error(run_program(folder.with({"--ids", "99999999999999999999"})), 2, "99999999999999999999");
  check_error(run_program(folder.with({"--ids", " , "})), 2, "no token ids");
  check(run_program(Folder({.tokenizer = false}).with({"--ids", "-n1", "97"})), "98\n");

  const Ran ids = run_program({"tokenize", "-m", folder.path(), "hello"});
  check(run_program(folder.with({"--ids", "-n2", "-"}), ids.out), "112 113\n");
}

TEST_CASE("--json is one object") {
  const Folder folder;
  const auto json = [&](std::vector<std::string> rest) {
    rest.insert(rest.begin(), "--json");
    const Ran ran = run_program(folder.with(rest));
    CHECK(ran.err == "");
    CHECK(lines(ran.out) == 1);
    return Json::parse(ran.out);
  };
  const Json plain = json({"-n3", "a"});
  CHECK(plain == Json({{"text", "bcd"},
                       {"finish_reason", "length"},
                       {"prompt_tokens", 2},
                       {"completion_tokens", 3},
                       {"seed", 0},
                       {"model", folder.path()}}));
  CHECK(json({"!"})["finish_reason"] == "eos");
  CHECK(json({"!"})["completion_tokens"] == 1);
  CHECK(json({"--stop", "d", "a"})["finish_reason"] == "stop");
  CHECK(json({"-n-1", "a"})["finish_reason"] == "context");
  CHECK(json({"-n-1", "a"})["completion_tokens"] == 62);
  CHECK(json({"--seed", "18446744073709551615", "-n0", "a"})["seed"] == 18446744073709551615u);
  CHECK(json({"--echo", "-n1", "a\xff"})["text"].get<std::string>().starts_with("a\uFFFD"));
  const Json ids = json({"--ids", "-n2", "97"});
  CHECK(ids["ids"] == Json({98, 99}));
  CHECK(ids["text"] == "bc");
  CHECK(ids["prompt_tokens"] == 1);

  const Json logprobs = json({"--logprobs", "2", "-n2", "a"})["logprobs"];
  CHECK(logprobs["tokens"] == Json({"b", "c"}));
  CHECK(logprobs["token_logprobs"][0].get<double>() == Approx(0).margin(1e-5));
  CHECK(logprobs["top_logprobs"][0].size() == 2);
  CHECK(logprobs["top_logprobs"][0]["b"] == logprobs["token_logprobs"][0]);
  CHECK(json({"--logprobs", "0", "-n1", "a"})["logprobs"]["top_logprobs"] == Json::parse("[{}]"));
  check_error(run_program(folder.with({"--logprobs", "2", "a"})), 2, "--logprobs needs --json");
}

TEST_CASE("the same seed gives the same text, whatever the threads") {
  const Folder folder({.preference = 3});
  const auto text = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"-m", folder.path(),  "--ids", "-n40", "--temperature",
                                          "1",  "--ignore-eos", "97"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = run_program(arguments);
    CHECK(ran.code == 0);
    return ran.out;
  };
  CHECK(text({}) == text({"--seed", "0"}));
  CHECK(text({}) == text({"-t", "3"}));
  CHECK(text({}) != text({"--seed", "1"}));
  CHECK(text({"--seed", "random"}) != text({"--seed", "random"}));
  CHECK(text({"--top-k", "1"}) == text({"--greedy"}));
}

TEST_CASE("--lookup changes no byte") {
  const std::string text = "The cat sat on the mat. The dog sat on the mat. The cat sat on the mat. The dog";
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{{"--greedy"},
                                                                                    {"--seed", "3"},
                                                                                    {"--seed", "4", "--stop", "mat"},
                                                                                    {"--json", "--logprobs", "2"},
                                                                                    {"-n", "-1"}}) {
    std::vector<std::string> arguments{"-n", "60"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back(text);
    const Ran plain = run_program(arguments);
    arguments.insert(arguments.begin(), "--lookup");
    const Ran lookup = run_program(arguments);
    CHECK(plain.code == 0);
    CHECK(lookup.code == 0);
    CHECK(lookup.out == plain.out);
  }
}

TEST_CASE("sampling defaults come from the model, and typed options win") {
  const auto answer = [](const Json& config, std::vector<std::string> more) {
    const Folder folder({.preference = 3, .generation_config = config});
    std::vector<std::string> arguments = {"-m", folder.path(), "--ids", "-n30", "--ignore-eos", "97"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  };
  const std::string greedy = answer(nullptr, {"--greedy"}).out;
  CHECK(answer({{"top_k", 1}, {"temperature", nullptr}}, {}).out == greedy);
  CHECK(answer({{"temperature", 0}}, {}).out == greedy);
  CHECK(answer({{"temperature", 0}}, {"--temperature", "1"}).out != greedy);
  CHECK(answer({{"temperature", 1}, {"top_p", 1}}, {}).out == answer(nullptr, {"--temperature=1", "--top-p=1"}).out);
  CHECK(answer(nullptr, {}).out == answer(nullptr, {"--temperature=0.8", "--top-p=0.95"}).out);
  check_error(answer({{"top_p", 7}}, {}), 3, "generation_config.json: 'top_p' is 7");
  check_error(answer({{"top_k", "x"}}, {}), 3, "top_k");
}

TEST_CASE("options that cannot be meant") {
  const Folder folder;
  const auto error = [&](std::vector<std::string> arguments, const std::string& message) {
    CAPTURE(arguments);
    check_error(run_program(folder.with(arguments)), 2, message);
  };
  error({"--temprature", "1"}, "unknown option --temprature (is --temperature meant?)");
  error({"-x"}, "unknown option -x");
  error({"-n"}, "-n needs a value");
  error({"-n", "many"}, "--max-tokens is 'many', expected a whole number >= 0");
  error({"-n", "-2"}, "--max-tokens is -2");
  error({"-n", "99999999999999999999"}, "--max-tokens is '99999999999999999999'");
  error({"--json=yes"}, "--json takes no value");
  error({"-t", "0"}, "--threads is 0");
  error({"--temperature", "-1"}, "--temperature is -1");
  error({"--temperature", "nan"}, "--temperature is nan");
  error({"--temperature", "hot"}, "--temperature is 'hot'");
  error({"--top-k", "-1"}, "--top-k is -1");
  error({"--top-p", "0"}, "--top-p is 0");
  error({"--min-p", "1.5"}, "--min-p is 1.5");
  error({"--typical-p", "2"}, "--typical-p is 2");
  error({"--repeat-penalty", "0"}, "--repeat-penalty is 0");
  error({"--presence-penalty", "inf"}, "--presence-penalty is inf");
  error({"--logit-bias", "5"}, "--logit-bias is '5', expected ID:BIAS");
  error({"--logit-bias", "300:1", "a"}, "--logit-bias names token 300, which is outside the vocabulary");
  error({"--seed", "-1"}, "--seed is '-1'");
  error({"-f", "/nonexistent/prompt"}, "/nonexistent/prompt: cannot read the text: No such file");
  error({"-f", "/", "-n1"}, "cannot read the text: Is a directory");
  error({"-f", "x", "a"}, "--file");
}

TEST_CASE("logit bias and penalties reach the sampler") {
  const Folder folder;
  check(run_program(folder.with({"-n2", "--logit-bias", "122:100", "a"})), "zz");
  check(run_program(folder.with({"-n2", "--logit-bias=98=-100", "--logit-bias", "88:1", "a"})), "XX");
  check(run_program(folder.with({"-n3", "--presence-penalty", "30", "--frequency-penalty", "1", "X"})),
        std::string("X\0\1", 3));
}

TEST_CASE("models that cannot be read") {
  const Folder folder;
  check_error(run_program({"-m", "/nonexistent/model", "a"}), 3, "/nonexistent/model");
  check_error(run_program({"-m", "no-such-model", "a"}), 3,
              "no-such-model: no such folder or file, and no model of that name");
  check_error(run_program({"-m", "model.gguf", "a"}), 3, "model.gguf: no such file");
  check_error(run_program({"-m", folder.path() + "/config.json", "a"}), 3, "expected a .gguf file or a folder");
  TinyModel no_weights;
  no_weights.weights = false;
  check_error(run_program(Folder(no_weights).with({"a"})), 3, "model.safetensors");
  check_error(run_program(Folder({.tokenizer = false}).with({"a"})), 3, "tokenizer.json");
  const std::string cut = TinyModel().safetensors();
  folder.file("model.safetensors", std::string_view(cut).substr(0, cut.size() - 1));
  check_error(run_program(folder.with({"a"})), 3, "model.safetensors");
  const auto by_variable = run_program({.arguments = {"a"}, .environment = {{"CONTINUO_MODEL", "/nonexistent/other"}}});
  check_error(by_variable, 3, "/nonexistent/other");
}

TEST_CASE("stdout closed early is success, a full disk is not") {
  const Folder folder({.context = 1 << 20});
  const Ran head = run_program({.arguments = folder.with({"-n-1", "a"}), .read_at_most = 10});
  CHECK(head.out == "bcdefghijk");
  CHECK(head.err == "");
  CHECK(head.code == 0);
  const Ran closed = run_program({.arguments = folder.with({"-n100", "a"}), .stdout_path = ""});
  CHECK(closed.err == "");
  CHECK(closed.code == 0);
  for (const char* mode : {"--echo", "--json", "--ids"}) {
    CAPTURE(mode);
    const Ran full = run_program({.arguments = folder.with({"-n5", mode, "97"}), .stdout_path = "/dev/full"});
    check_error(full, 1, "cannot write to stdout: No space left on device");
  }
  const std::string path = folder.file("out", "");
  CHECK(run_program({.arguments = folder.with({"-n5", "a"}), .stdout_path = path}).code == 0);
  CHECK(read_file(path) == "bcdef");
}

TEST_CASE("Ctrl-C ends at the next token with what is certain") {
  const Folder folder({.context = 1 << 20});
  for (const int signal : {SIGINT, SIGTERM}) {
    const Ran ran = run_program({.arguments = folder.with({"-n-1", "--stop", "zaX", "a"}),
                                 .on_first_output = [&](int process) { kill(process, signal); }});
    CHECK(!ran.out.empty());
    for (std::size_t i = 0; i < ran.out.size(); ++i) REQUIRE(ran.out[i] == "abcdefghijklmnopqrstuvwxyz"[(i + 1) % 26]);
    CHECK(!ran.out.ends_with("z"));  // it may begin the stop string
    CHECK(ran.err == "");
    CHECK(ran.code == 130);
  }
}

TEST_CASE("an interrupted answer is still JSON") {
  const Folder folder({.context = 1 << 20});
  // Nothing is printed before the end, so the log tells when generation has begun.
  const Ran ran = run_program({.arguments = folder.with({"-n-1", "--json", "-v", "a"}),
                               .on_first_message = [&](int process) { kill(process, SIGINT); }});
  CHECK(Json::parse(ran.out)["finish_reason"] == "interrupted");
  CHECK(ran.code == 130);
}

TEST_CASE("on a terminal") {
  const Folder folder;
  SECTION("an open line is ended") {
    const Ran ran = run_on_terminal(folder.with({"-n3", "a"}), "");
    CHECK(ran.out == "bcd\r\n");
    CHECK(ran.code == 0);
  }
  SECTION("a prompt is asked for in one line") {
    const Ran ran = run_on_terminal(folder.with({"-n3"}), "a\n\x04", true);
    CHECK(lines(ran.err) == 1);
    check_contains(ran.err, "Ctrl-D");
    CHECK(ran.out.ends_with("bcd\r\n"));
  }
  SECTION("colour on stderr only there, and not with NO_COLOR") {
    setenv("TERM", "xterm", 1);  // the test may itself run without a terminal
    unsetenv("NO_COLOR");
    check_contains(run_on_terminal({"--nonsense"}, "").out, "\x1b[");
    CHECK(run_program({"--nonsense"}).err.find('\x1b') == std::string::npos);
    setenv("NO_COLOR", "1", 1);
    CHECK(run_on_terminal({"--nonsense"}, "").out.find('\x1b') == std::string::npos);
    unsetenv("NO_COLOR");
  }
}

TEST_CASE("help and version") {
  const Ran help = run_program({"--help"});
  CHECK(help.code == 0);
  CHECK(help.err == "");
  for (const char* word :
       {"Usage: continuo", "score", "tokenize", "inspect", "bench", "quantize", "--temperature", "Examples", "130"}) {
    check_contains(help.out, word);
  }
  for (const char* command : {"score", "tokenize", "inspect", "bench", "quantize"}) {
    CHECK(run_program({command, "-h"}).out.starts_with(std::string("Usage: continuo ") + command));
  }
  const std::string version = run_program({"--version"}).out;
  CHECK(version.starts_with("continuo "));
  CHECK(version.find_first_not_of("0123456789.", 9) == version.size() - 1);
}

TEST_CASE("messages leave stdout alone") {
  const Folder folder;
  const Ran verbose = run_program(folder.with({"-vv", "-n3", "a"}));
  CHECK(verbose.out == "bcd");
  check_contains(verbose.err, "threads");
  check(run_program(folder.with({"-q", "-n3", "a"})), "bcd");
}

TEST_CASE("the model inside the binary needs nothing else") {
  if (!std::filesystem::exists(source_folder().parent_path() / "models" / "tales" / "model.safetensors")) {
    WARN("skipped: built without models/tales");
    return;
  }
  const Ran ran = run_program({"-n", "20", "Once upon a time"});
  CHECK(ran.code == 0);
  CHECK(ran.err == "");
  CHECK(!ran.out.empty());
  CHECK(run_program({"-m", "tales", "-n", "20", "Once upon a time"}).out == ran.out);
  const std::string folder = (source_folder().parent_path() / "models" / "tales").string();
  CHECK(run_program({"-m", folder, "-n", "20", "Once upon a time"}).out == ran.out);
}

TEST_CASE("files of different models are told apart") {
  const Folder folder;
  Json tokenizer = TinyModel().tokenizer_json();
  tokenizer["model"]["vocab"]["zz"] = 300;
  tokenizer["model"]["merges"] = Json::array({"z z"});
  folder.file("tokenizer.json", tokenizer.dump());
  check_error(run_program(folder.with({"zz"})), 3, "the tokenizer gives token id 300, the model has 258 tokens");
}

TEST_CASE("keys and values are remembered in the format that was asked for") {
  const Folder folder;
  std::vector<int> sizes;
  for (const char* type : {"f32", "f16", "q8_0"}) {
    check(run_program(folder.with({"-n5", "--kv-type", type, "a"})), "bcdef");
    const Ran plan = run_program({"inspect", "-m", folder.path(), "--json", "--kv-type", type});
    sizes.push_back(Json::parse(plan.out)["kv_bytes_per_token"].get<int>());
  }
  CHECK(sizes[0] > sizes[1]);
  CHECK(sizes[1] > sizes[2]);
  for (const char* command : {"batch", "score", "explain", "bench", "inspect"}) {
    INFO(command);
    check_error(run_program({command, "-m", folder.path(), "--kv-type", "q4_0"}), 2,
                "--kv-type is 'q4_0', expected f32, f16 or q8_0");
  }
}
