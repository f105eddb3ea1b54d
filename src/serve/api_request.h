// The bodies of POST /v1/completions and /v1/chat/completions: the fields of a batch request, and what only the API has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "requests/request.h"

namespace continuo {

struct ApiRequest {
  std::vector<BatchRequest> prompts;  // one a prompt, each with n samples
  bool include_usage = false;         // a last event of a stream says the tokens
  std::string model;                  // "" if it is not said

  bool stream() const { return prompts.front().stream; }
};

struct ApiLimits {
  std::size_t sequences = 0;  // samples and scored prompts of a request
  std::size_t bytes = 0;      // of a request and its answer
};

// A body as a JSON object.
Result<Json> parse_body(std::string_view body);

// Errors name the field.
Result<ApiRequest> parse_completion(std::string_view body, const RequestParser& parser, const ModelSpec& spec,
                                    const ApiLimits& limits);

Result<ApiRequest> parse_chat(std::string_view body, const RequestParser& parser, const ModelSpec& spec,
                              const ApiLimits& limits);

// All fields that a completion knows, and that a chat completion does.
std::vector<std::string_view> completion_fields();
std::vector<std::string_view> chat_fields();

}  // namespace continuo
