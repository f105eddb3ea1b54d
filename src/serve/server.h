// The completions API over HTTP, in front of one engine.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "generate/engine.h"
#include "loading/loaded_model.h"
#include "requests/request.h"
#include "serve/access.h"
#include "serve/http.h"

namespace continuo {

struct ServeOptions {
  AccessRules access;
  std::size_t most_sequences = 1024;  // samples and scored prompts with the engine; more are answered 429
  std::size_t request_memory = 0;     // bytes of requests and their answers
  std::chrono::seconds deadline{0};   // for a request from its arrival to its answer's end; 0: none
  std::chrono::seconds grace{30};     // for what runs when the server is asked to end
  EngineOptions embedding;            // how vectors of texts are computed
};

// What there is to ask for: openapi.json says the same.
struct Route {
  std::string_view method, path;
};
std::span<const Route> routes();

// Serves until SIGINT or SIGTERM, and ends when what was running then is answered. `http` is listening already;
// `engine` was made for `model`, or is null where the model is an encoder, which continues no texts.
Result<void> serve(HttpServer& http, const LoadedModel& model, Engine* engine, const RequestDefaults& defaults,
                   const ServeOptions& options);

// The body of an error that concerns HTTP alone.
std::string http_error_json(int status, std::string_view message);

}  // namespace continuo
