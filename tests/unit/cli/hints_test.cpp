// Misspelled words, and words that look like commands.
#include "cli/hints.h"

#include "cli/spelling.h"
#include "unit/cli/parsing.h"

using namespace continuo;
using namespace continuo::test;

namespace {

std::string hint(const std::vector<std::string>& words) { return hint_for_words(parsed(words)); }

}  // namespace

TEST_CASE("edit distances") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("score", "score") == 0);
  CHECK(edit_distance("scoer", "score") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ca", "abc") == 3);  // restricted: nothing is edited twice
}

TEST_CASE("the nearest word") {
  const std::vector<std::string_view> words = {"batch", "bench", "score", "tokenize", "top-k", "top-p"};
  CHECK(nearest_word("scoer", words) == "score");
  CHECK(nearest_word("tokenise", words) == "tokenize");
  CHECK(nearest_word("token", words) == "tokenize");
  CHECK(nearest_word("tok", words) == "tokenize");
  CHECK(nearest_word("top", words) == "");  // two begin so
  CHECK(nearest_word("story", words) == "");
  CHECK(nearest_word("", words) == "");
  CHECK(nearest_word("xy", words) == "");
  CHECK(nearest_word(std::string(100000, 'a'), words) == "");
}

TEST_CASE("a lone word that looks like a command gets a hint") {
  CHECK(hint({"scoer"}) == "\"scoer\" is continued as a text; is \"continuo score\" meant?");
  CHECK(hint({"tokenise"}) == "\"tokenise\" is continued as a text; is \"continuo tokenize\" meant?");
  CHECK(hint({"help"}) == "\"help\" is continued as a text; is \"continuo --help\" meant?");
  CHECK(hint({"run", "-n3"}) == "\"run\" is continued as a text; is \"continuo -m MODEL PROMPT\" meant?");
  CHECK(hint({"-n3", "score"}) ==
        "\"score\" is continued as a text, because a command is one only as the first argument");
  CHECK(hint({"help", "score"}) == "\"help score\" is continued as a text; is \"continuo score --help\" meant?");
  CHECK(hint({"scoer", "Once upon a time"}) == "\"scoer\" is continued as a text; is \"continuo score\" meant?");
}

TEST_CASE("other texts get no hint") {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"Once upon a time"},
                                                                                     {"Once"},
                                                                                     {"hello"},
                                                                                     {"a"},
                                                                                     {"["},
                                                                                     {"Help"},
                                                                                     {"help me"},
                                                                                     {"the", "score"},
                                                                                     {"scoer", "is"},
                                                                                     {"--", "scoer"},
                                                                                     {"--", "help"},
                                                                                     {"scoer "},
                                                                                     {""},
                                                                                     {"help", "me", "please"},
                                                                                     {"-p", "scoer"},
                                                                                     {"score!"},
                                                                                     {"\xff"}}) {
    CAPTURE(words);
    CHECK(hint(words) == "");
  }
}

TEST_CASE("run MODEL is told from a text") {
  CHECK(is_run_model(parsed({"run", "gemma3"})));
  CHECK(is_run_model(parsed({"run", "gemma3", "Why is the sky blue?"})));
  CHECK(!is_run_model(parsed({"run"})));
  CHECK(!is_run_model(parsed({"run away"})));
  CHECK(!is_run_model(parsed({"--", "run", "away"})));
  CHECK(!is_run_model(parsed({"they", "run"})));
}
