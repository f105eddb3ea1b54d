// What people type who know other tools, or misspell, or keep options in a file.
#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;

TEST_CASE("options of other tools work or say what to type here") {
  const Folder folder;
  const std::string file = folder.file("prompt", "a\n");
  check(run_program(folder.with({"-p", "a", "--n-predict", "3"})), "bcd");
  check(run_program(folder.with({"--max_new_tokens", "3", "--prompt-file", file})), "bcd");
  check(run_program(folder.with({"--temp", "0", "-s", "7", "--repetition-penalty", "1", "-n3", "a"})), "bcd");
  check(run_program({"--model_name_or_path", folder.path(), "--temp=0", "-n3", "a"}), "bcd");
  check_error(run_program({"-hf", "org/name", "a"}), 2, "unknown option -hf (give a downloaded model as -m ORG/NAME");
  check_error(run_program({"-ngl", "99", "a"}), 2, "unknown option -ngl (");
  check_error(run_program({"-c", "4096", "a"}), 2, "unknown option -c (");
  check_error(run_program({"run", "gemma3:1b"}), 2, "there is no command 'run' (continuo -m MODEL PROMPT");
  check_error(run_program({"run", "gemma3:1b", "Why is the sky blue?"}), 2, "there is no command 'run'");
  check(run_program(folder.with({"-n3", "run away"})), "zab");
  check(run_program(folder.with({"-n3", "--", "run", "away"})), "zab");
}

TEST_CASE("a variable that is unset is an error, no other model") {
  check_error(run_program({"-m", "", "-n3", "a"}), 2, "--model is empty");
  check_error(run_program({"--model=", "-n3", "a"}), 2, "--model is empty");
  check_error(run_program({"batch", "-m", ""}), 2, "--model is empty");
  check_error(run_program({"-f", ""}), 2, "--file is empty");
  check_error(run_program({"batch", "-o", ""}), 2, "--output is empty");
}

TEST_CASE("a lone word that looks like a command is continued, with a hint for a person") {
  const Folder folder;
  const std::string hint = "\"scoer\" is continued as a text; is \"continuo score\" meant?";
  check(run_program(folder.with({"-n3", "scoer"})), "stu");  // nobody watches
  const Ran watched = run_on_terminal(folder.with({"-n3", "scoer"}), "");
  check_contains(watched.out, hint);
  CHECK(watched.out.ends_with("stu\r\n"));
  CHECK(watched.code == 0);
  CHECK(run_on_terminal(folder.with({"-q", "-n3", "scoer"}), "").out == "stu\r\n");
  CHECK(run_on_terminal(folder.with({"-n3", "--", "scoer"}), "").out == "stu\r\n");
  check_contains(run_on_terminal(folder.with({"-n3", "help"}), "").out, "is \"continuo --help\" meant?");
  const Ran redirected = run_on_terminal(folder.with({"-n3", "help"}), "", true);
  CHECK(redirected.err == "");
  CHECK(redirected.out == "qrs\r\n");
}

TEST_CASE("help takes the terminal's width") {
  const auto longest = [](const std::string& text) {
    std::size_t most = 0, length = 0;
    for (const char c : text.substr(0, text.find("Examples:"))) {
      length = c == '\n' ? 0 : length + (c != '\r');
      most = std::max(most, length);
    }
    return most;
  };
  CHECK(longest(run_program({"--help"}).out) <= 100);
  CHECK(longest(run_program({"--help"}).out) > 80);
}

TEST_CASE("a configuration file holds options") {
  const Folder folder;
  std::filesystem::create_directories(folder.path() + "/continuo");
  const std::string path =
      folder.file("continuo/config.toml", "model = '" + folder.path() +
                                              "'\n# more\n[default]\ngreedy = true\nmax-tokens = 3\n"
                                              "[long]\nmax-tokens = 5\n");
  const auto run = [&](std::vector<std::string> arguments) {
    return run_program({.arguments = std::move(arguments), .environment = {{"XDG_CONFIG_HOME", folder.path()}}});
  };
  check(run({"a"}), "bcd");
  check(run({"--profile", "long", "a"}), "bcdef");
  check(run({"--profile", "long", "-n4", "a"}), "bcde");
  check(run({"tokenize", "--no-special", "a"}), "97\n");
  check_error(run({"--profile", "none", "a"}), 2, path + ": there is no profile 'none' (there are: default, long)");
  check_error(run({"--no-config", "--profile", "long", "a"}), 2, "--no-config and --profile");
  check(run(folder.with({"--no-config", "-n2", "a"})), "bc");
  const Ran verbose = run({"-v", "--profile", "long", "a"});
  CHECK(verbose.out == "bcdef");
  check_contains(verbose.err, path + ": line 4: [default] greedy = true");
  check_contains(verbose.err, path + ": line 7: [long] max-tokens = 5");
  CHECK(verbose.err.find("max-tokens = 3") == std::string::npos);

  folder.file("continuo/config.toml", "temprature = 1\n");
  check_error(run({"a"}), 2, path + ": line 1: 'temprature' is no option of continuo");
  check(run(folder.with({"--no-config", "-n2", "a"})), "bc");
  CHECK(run({"--help"}).code == 0);
  folder.file("continuo/config.toml", std::string(2 << 20, '#'));
  check_error(run({"a"}), 2, "at most 1 MiB");
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  check_error(run({"a"}), 2, path + ": cannot read the configuration");
  check_error(run_program({"--profile", "x", "a"}), 2, "/nonexistent/continuo/config.toml");
}

TEST_CASE("the manual page and the completions are printed") {
  CHECK(run_program({"--man"}).out.starts_with(".TH CONTINUO 1"));
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Ran ran = run_program({"completions", shell});
    CHECK(ran.code == 0);
    check_contains(ran.out, "kv-type");
  }
  check_error(run_program({"completions"}), 2, "bash, zsh or fish");
  check_error(run_program({"completions", "tcsh"}), 2, "'tcsh'");
  check_error(run_program({"completions", "bash", "zsh"}), 2, "one shell");
}
