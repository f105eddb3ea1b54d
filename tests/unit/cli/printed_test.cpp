// What is printed from the tables: help, the manual page, completions.
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdlib>

#include "cli/completions.h"
#include "cli/config_file.h"
#include "cli/help.h"
#include "cli/man_page.h"
#include "support.h"
#include "unit/cli/parsing.h"

using namespace continuo;
using namespace continuo::test;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

bool is_installed(const std::string& program) {
  return std::system(fmt::format("command -v {} > /dev/null 2>&1", program).c_str()) == 0;
}

// What a shell's script prints; the file with `text` is $1.
std::string output_of(const std::string& shell, const std::string& script, const std::string& text) {
  const TemporaryFolder folder;
  const std::string file = (folder.path() / "script").string(), code = (folder.path() / "code").string();
  write_file(file, text);
  write_file(code, script);
  FILE* const pipe = popen(fmt::format("{} {} {} 2>&1", shell, code, file).c_str(), "r");
  std::string out;
  for (int c; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
  const int status = pclose(pipe);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
  return out;
}

}  // namespace

TEST_CASE("help names every option and keeps to the width") {
  for (const Command& command : commands()) {
    for (const std::size_t width : {40, 60, 80, 100, 120}) {
      const std::string text = help(command, width);
      CAPTURE(command.name, width, text);
      CHECK(text.starts_with("Usage: continuo"));
      for (const OptionGroup* group : command.groups) {
        for (const OptionRow& row : group->rows) CHECK(contains(text, fmt::format("--{}", row.name)));
      }
      // Examples and usage are lines to copy, and a list of choices may be one long word; so may an option and its
      // value.
      const auto is_option_alone = [](const std::string& line) {
        const std::size_t begin = line.find_first_not_of(' ');
        return begin != std::string::npos && line[begin] == '-' && line.find("  ", begin) == std::string::npos;
      };
      const std::string wrapped_part = text.substr(text.find("\n\n"), text.find("\nExamples:") - text.find("\n\n"));
      for (std::size_t at = 0; at < wrapped_part.size();) {
        const std::size_t end = std::min(wrapped_part.find('\n', at), wrapped_part.size());
        const std::string line = wrapped_part.substr(at, end - at);
        CAPTURE(line);
        if (!is_option_alone(line)) CHECK(line.size() <= width);
        CHECK(!line.ends_with(' '));
        at = end + 1;
      }
    }
  }
}

TEST_CASE("help tells defaults and choices") {
  const std::string text = help(command_named(""), 200);
  CHECK(contains(text, "(one of f32, f16, q8_0; default: f32)"));
  CHECK(contains(text, "(default: 128)"));
  CHECK(contains(text, "may be repeated"));
}

TEST_CASE("lines are broken at blanks") {
  CHECK(wrapped("a bc def", 4, 0) == "a bc\ndef");
  CHECK(wrapped("a bc def", 4, 2) == "a bc\n  def");
  CHECK(wrapped("toolong a", 3, 0) == "toolong\na");
  CHECK(wrapped("a  b\nc", 80, 0) == "a b c");
  CHECK(wrapped("", 10, 0) == "");
}

TEST_CASE("the manual page has every option, and mandoc has nothing against it") {
  const std::string page = man_page();
  CHECK(page.starts_with(".TH CONTINUO 1 "));
  for (const Command& command : commands()) {
    for (const OptionGroup* group : command.groups) {
      for (const OptionRow& row : group->rows) {
        std::string name = fmt::format("--{}", row.name);
        for (std::size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2) name.insert(at, "\\");
        CAPTURE(name);
        CHECK(contains(page, "\\fB" + name + "\\fR"));
      }
    }
  }
  if (!is_installed("mandoc")) {
    WARN("skipped: there is no mandoc");
    return;
  }
  CHECK(output_of("sh", "mandoc -T lint \"$1\"", page) == "");
}

TEST_CASE("bash completes commands, options and values") {
  const std::string script = *completions("bash");
  CHECK(output_of("bash", "bash -n \"$1\"", script) == "");
  const auto completed = [&](const std::string& words) {
    return output_of("bash",
                     "source \"$1\"\ncompopt() { :; }\nCOMP_WORDS=(" + words +
                         ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_continuo\necho \"${COMPREPLY[@]}\"",
                     script);
  };
  CHECK(completed("continuo ba") == "batch\n");
  CHECK(completed("continuo --kv") == "--kv-type\n");
  CHECK(completed("continuo --kv-type ''") == "f32 f16 q8_0\n");
  CHECK(completed("continuo --kv-type = q") == "q8_0\n");
  CHECK(completed("continuo --kv-type =") == "f32 f16 q8_0\n");
  CHECK(completed("continuo batch --for") == "--format\n");
  CHECK(completed("continuo batch --format t") == "text\n");
  CHECK(completed("continuo --for") == "\n");
  CHECK(completed("continuo completions ''") == "bash zsh fish\n");
  CHECK(completed("continuo --temperature ''") == "\n");
  CHECK(completed("continuo Once ba") == "\n");
  CHECK(completed("continuo -f no-such-fi") == "\n");
  CHECK(contains(completed("continuo -m /et"), "/etc"));
  CHECK(contains(completed("continuo quantize /et"), "/etc"));
}

TEST_CASE("zsh reads its completions") {
  if (!is_installed("zsh")) {
    WARN("skipped: there is no zsh");
    return;
  }
  CHECK(output_of("zsh -f", "zsh -n \"$1\"", *completions("zsh")) == "");
}

TEST_CASE("fish completes commands, options and values") {
  if (!is_installed("fish")) {
    WARN("skipped: there is no fish");
    return;
  }
  const std::string script = *completions("fish");
  const auto completed = [&](const std::string& words) {
    return output_of("fish --no-config", "source $argv[1]\ncomplete -C '" + words + "'", script);
  };
  CHECK(completed("continuo ba") == "batch\tanswers many requests, one per line\n");
  CHECK(contains(completed("continuo --kv"), "--kv-type\t"));
  CHECK(completed("continuo --kv-type ").starts_with("f16\t"));
  CHECK(contains(completed("continuo batch --form"), "--format\t"));
  CHECK(completed("continuo --form") == "");
  CHECK(completed("continuo completions ") == "bash\nfish\nzsh\n");
  CHECK(completed("continuo --temperature ") == "");
}

TEST_CASE("there are three shells") {
  CHECK(!completions("tcsh"));
  CHECK(!completions(""));
}
