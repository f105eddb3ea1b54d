#include "generate/stop_matcher.h"

#include <chrono>

#include "catch.h"
#include "sampling/random.h"

using continuo::StopMatcher;

namespace {

struct Streamed {
  std::string text;
  bool stopped;
};

Streamed stream(const std::vector<std::string>& stops, std::string_view text, std::size_t piece) {
  StopMatcher matcher(stops);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) out += matcher.push(text.substr(at, piece));
  const bool stopped = matcher.stopped();
  out += matcher.finish();
  return {out, stopped};
}

// The definition: the first byte that completes a stop string ends the text, before the longest that ends
// there.
Streamed reference(const std::vector<std::string>& stops, std::string_view text) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& stop : stops) {
      if (text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return {std::string(text.substr(0, end - longest)), true};
  }
  return {std::string(text), false};
}

}  // namespace

TEST_CASE("without stop strings everything passes at once") {
  StopMatcher matcher({});
  CHECK(matcher.push("abc") == "abc");
  CHECK(matcher.finish().empty());
}

TEST_CASE("only what may begin a stop string is held back") {
  StopMatcher matcher({"END", "NDX"});
  CHECK(matcher.push("one E") == "one ");
  CHECK(matcher.push("N") == "");
  CHECK(matcher.push("D?") == "");
  CHECK(matcher.stopped());
  CHECK(matcher.push("more").empty());
  CHECK(matcher.finish().empty());

  StopMatcher other({"END", "NDX"});
  CHECK(other.push("ENx") == "ENx");
  CHECK(other.push("EEN") == "E");
  CHECK(other.finish() == "EN");
  CHECK(!other.stopped());
}

TEST_CASE("overlapping stop strings") {
  CHECK(stream({"aab"}, "aaab", 1).text == "a");
  CHECK(stream({"aab"}, "aaab", 4).stopped);
  CHECK(stream({"abc", "b"}, "xabc", 4).text == "xa");  // "b" is complete first
  CHECK(stream({"bc", "abc"}, "xabc", 2).text == "x");  // both end together: the longer
  CHECK(stream({"abcd", "bc"}, "abce", 1).text == "a");
  CHECK(stream({"abcd", "bce"}, "abce", 1).text == "a");
  CHECK(stream({"\n\n"}, "a\nb\n\nc", 3).text == "a\nb");
  CHECK(stream({"é"}, "caf\xC3\xA9!", 1).text == "caf");
}

TEST_CASE("any cut of any text gives what the definition gives") {
  std::uint64_t at = 0;
  const auto random = [&](std::uint64_t n) {
    return static_cast<std::size_t>(continuo::uniform(4, 0, at++) * static_cast<double>(n));
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> stops(1 + random(4));
    for (std::string& stop : stops) {
      for (std::size_t n = 1 + random(5); n > 0; --n) stop += static_cast<char>('a' + random(2));
    }
    std::string text;
    for (std::size_t n = random(30); n > 0; --n) text += static_cast<char>('a' + random(3));
    const Streamed expected = reference(stops, text);
    for (const std::size_t piece : {1, 2, 7, 100}) {
      CAPTURE(stops, text, piece);
      const Streamed got = stream(stops, text, piece);
      REQUIRE(got.text == expected.text);
      REQUIRE(got.stopped == expected.stopped);
    }
  }
}

TEST_CASE("a thousand long stop strings cost little") {
  std::vector<std::string> stops;
  for (int i = 0; i < 1000; ++i) stops.push_back(std::string(200, 'a') + std::to_string(i));
  const auto start = std::chrono::steady_clock::now();
  const std::string text(1000000, 'a');
  CHECK(stream(stops, text, 4).text == text);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  CHECK(elapsed.count() < 10);  // the square of it would take minutes
}
