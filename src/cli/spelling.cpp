#include "cli/spelling.h"

#include <algorithm>

namespace continuo {

namespace {

constexpr std::size_t kLongest = 64;  // no option and no command is longer

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::string_view nearest_word(std::string_view typed, const std::vector<std::string_view>& words) {
  if (typed.size() > kLongest) return {};
  std::string_view nearest;
  std::size_t least = typed.size() <= 5 ? 2 : 3;
  for (const std::string_view word : words) {
    if (const std::size_t distance = edit_distance(typed, word); distance < least) {
      least = distance;
      nearest = word;
    }
  }
  if (!nearest.empty() || typed.size() < 3) return nearest;
  const auto begins = [&](std::string_view word) { return word.starts_with(typed); };
  if (std::ranges::count_if(words, begins) != 1) return {};
  return *std::ranges::find_if(words, begins);
}

}  // namespace continuo
