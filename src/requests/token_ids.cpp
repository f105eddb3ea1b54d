#include "requests/token_ids.h"

#include <algorithm>

#include "base/numbers.h"

namespace continuo {

Result<std::vector<TokenId>> parse_ids(std::string_view text) {
  constexpr std::string_view kBetween = " \t\r\n,";
  std::vector<TokenId> ids;
  for (std::size_t at = text.find_first_not_of(kBetween); at != text.npos; at = text.find_first_not_of(kBetween, at)) {
    const std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    CONTINUO_TRY(const TokenId id, parse_number<TokenId>(text.substr(at, end - at), "a token id", "a whole number"));
    ids.push_back(id);
    at = end;
  }
  return ids;
}

}  // namespace continuo
