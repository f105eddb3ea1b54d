// Cuts a normalized text into the pieces that the model then encodes one by one.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "text/metaspace.h"
#include "text/part.h"
#include "text/pattern.h"

namespace continuo {

// A text and the pieces of it that are left; none is empty.
struct Pieces {
  std::string text;
  std::vector<Range> ranges;
  std::size_t from_first = 0;  // bytes at the text's front that come from the first character the person wrote

  std::string_view operator[](std::size_t i) const {
    return std::string_view(text).substr(ranges[i].begin, ranges[i].end - ranges[i].begin);
  }
};

// What happens to the matches of a pattern that splits.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

class PreTokenizer {
 public:
  // null is a pre-tokenizer that leaves the text whole.
  static Result<PreTokenizer> parse(const Json& json, const std::string& file);

  // Calls visit(piece) for each piece in turn. `from_first`: how many bytes at the front of `text` come from
  // the first character that the person wrote; only looked at if asks_for_first(). Throws TextFault where the
  // text costs more than `work` allows.
  template <class Visit>
  void each_piece(std::string_view text, std::size_t from_first, TextWork& work, Visit visit) const {
    if (const KnownPattern* pattern = only_step()) {
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = pattern->end_of_piece(text, at);
        visit(text.substr(at, end - at));
        at = end;
      }
      return;
    }
    const Pieces pieces = apply(std::string(text), from_first, work);
    for (std::size_t i = 0; i < pieces.ranges.size(); ++i) visit(pieces[i]);
  }

  // Whether what comes from the first character is cut in another way than the rest.
  bool asks_for_first() const;

  // Takes the step off that spells bytes in the byte-level alphabet, if it is the last one: a model that
  // spells them itself can look words up before. False if there is none.
  bool take_byte_level();

 private:
  struct Split {
    Pattern pattern;
    SplitBehavior behavior;
    bool invert = false;  // what the pattern does not match counts as matched
    void apply(Pieces& pieces, TextWork& work) const;
  };
  struct PrefixSpace {  // a blank before each piece that does not begin with one
    void apply(Pieces& pieces, TextWork& work) const;
  };
  struct ByteLevel {  // bytes to the printable characters of the byte-level alphabet
    void apply(Pieces& pieces, TextWork& work) const;
  };
  struct Metaspace {  // blanks to `replacement`, and one before the text
    std::string replacement;
    MetaspacePrepend prepend;
    void apply(Pieces& pieces, TextWork& work) const;
  };
  using Step = std::variant<Split, PrefixSpace, ByteLevel, Metaspace>;

  Result<void> add(const Json& json, const std::string& file);
  Result<void> add_byte_level(const Part& part);
  Result<void> add_split(const Part& part);
  Result<void> add_metaspace(const Part& part);
  Result<void> add_blanks(const Part& part);
  Result<void> add_regex(const Part& part, std::string_view regex, SplitBehavior behavior, bool invert = false);
  Pieces apply(std::string text, std::size_t from_first, TextWork& work) const;
  // The pattern, if isolating what a well-known one matches is all there is to do.
  const KnownPattern* only_step() const;

  std::vector<Step> steps_;
};

}  // namespace continuo
