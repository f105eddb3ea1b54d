// The vocabulary inside a GGUF file, read, and written from a tokenizer.json.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "io/gguf.h"
#include "io/gguf_writer.h"
#include "model/spec.h"
#include "text/tokenizer.h"

namespace continuo {

bool has_gguf_tokenizer(const GgufFile& file);
Result<Tokenizer> read_gguf_tokenizer(const GgufFile& file);

// Adds the metadata under "tokenizer.ggml.". What GGUF has no words for is an error that names it: another
// text would be cut into other tokens. `file` is named in errors.
Result<void> add_gguf_tokenizer(std::string_view json, const std::string& file, const ModelSpec& spec,
                                GgufWriter& into);

}  // namespace continuo
