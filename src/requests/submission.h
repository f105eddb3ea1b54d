// A request on its way through the engine: its samples, and how likely its prompt is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "generate/engine.h"
#include "requests/request.h"

namespace continuo {

struct AnsweredRequest {
  // n of them; of best_of the likeliest (by the mean of log-probabilities), in that order
  std::vector<Completion> samples;
  std::optional<Score> prompt;  // where the request wants it: of all tokens of the prompt but the first
};

// Who is told, by Engine::step.
struct RequestListener {
  // Each token of each sample, and the text that it made certain; false ends the sample. May be empty.
  std::function<bool(std::size_t sample, std::string_view text, const GeneratedToken& token)> on_token;
  // A sample is complete. May be empty.
  std::function<void(std::size_t sample)> on_end;
  // Once, at the end of all samples. An error ends the request as a whole.
  std::function<void(Result<AnsweredRequest>)> done;
};

// Puts a request, which RequestParser has nothing against, to the engine. The numbers are those of Engine::submit.
std::vector<std::uint64_t> submit_request(Engine& engine, const BatchRequest& request, RequestListener listener);

}  // namespace continuo
