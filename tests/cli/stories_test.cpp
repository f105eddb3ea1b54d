// A real model through the binary: needs CONTINUO_TEST_DATA.
#include <chrono>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;

TEST_CASE("stories260K: the reference's greedy text, to the byte") {
  const auto data = data_folder();
  if (!data) {
    WARN("skipped: CONTINUO_TEST_DATA is not set");
    return;
  }
  const std::string model = (*data / "weights" / "stories260K").string();
  const std::string golden = read_file(std::filesystem::path(model) / "golden_greedy.txt");
  const std::string mark = "### prompt: ";
  for (std::size_t at = golden.find(mark); at != std::string::npos;) {
    const std::size_t line_end = golden.find('\n', at), next = golden.find("\n" + mark, line_end);
    const std::string prompt = golden.substr(at + mark.size(), line_end - at - mark.size());
    std::string expected = golden.substr(line_end + 1, next == std::string::npos ? next : next - line_end - 1);
    at = next == std::string::npos ? next : next + 1;
    if (at == std::string::npos && expected.ends_with('\n')) expected.pop_back();
    CAPTURE(prompt);
    const Ran ids = run_program({"tokenize", "-m", model, prompt});
    const auto prompt_tokens = 1 + std::count(ids.out.begin(), ids.out.end(), ' ');
    const std::string n = std::to_string(201 - prompt_tokens);  // 200 positions computed, each giving a token
    check(run_program({"-m", model, "--greedy", "--echo", "-n", n, prompt}), expected);
  }
}
