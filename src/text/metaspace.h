// SentencePiece's visible blank, "▁", as the pre-tokenizer and the decoder 'Metaspace' describe it.
#pragma once

#include <string>

#include "base/error.h"
#include "text/part.h"

namespace continuo {

// Before which pieces a blank is put, unless they begin with one: all, the one that begins the text, or none.
enum class MetaspacePrepend { always, first, never };

struct MetaspaceOptions {
  std::string replacement;  // one character
  MetaspacePrepend prepend = MetaspacePrepend::always;
  bool split = true;  // a piece begins at each blank
};

Result<MetaspaceOptions> parse_metaspace(const Part& part);

}  // namespace continuo
