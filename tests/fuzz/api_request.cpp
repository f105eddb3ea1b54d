// Any bytes as the body of a request for completions or for embeddings: they are refused, or make a request.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "generate/engine.h"
#include "loading/loaded_model.h"
#include "serve/api_request.h"
#include "serve/embedding_request.h"

namespace {

using namespace continuo;

template <class T>
T whole(Result<T> result) {
  if (!result) std::abort();
  return std::move(*result);
}

struct Asked {
  LoadedModel model = whole(load("", TokenizerUse::required));  // the one inside the binary
  Engine engine = whole(Engine::create(model.network, model.text(), {.threads = 1}));
  RequestParser parser{RequestDefaults{}, model.network, model.text(), engine};
  Embedder embedder = whole(Embedder::create(model, {}, {.threads = 1}));
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Asked asked;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    const auto request = parse_completion(body, asked.parser, asked.model.network.spec, {64, std::size_t{1} << 26});
    if (request && request->prompts.empty()) std::abort();
  } else {
    const auto request = parse_embedding(body, asked.embedder, true);
    if (request && request->texts.empty()) std::abort();
  }
  return 0;
}
