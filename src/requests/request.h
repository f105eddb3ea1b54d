// One line of the input as a request, or what is wrong with it. Names follow the OpenAI completions API.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "generate/engine.h"
#include "generate/request.h"
#include "loading/loaded_model.h"
#include "requests/format.h"
#include "requests/json_answer.h"
#include "requests/line.h"

namespace continuo {

struct BatchRequest {
  Answer id;           // a string or a number; the line's number if the request has none
  std::string prompt;  // as text, for echo; of messages the rendered text
  // Messages in its place, and what their template may ask for besides; null: there are none.
  Json messages, template_values;
  std::optional<std::string> suffix;  // the text behind the gap that is filled
  std::string adapter = {};           // its name; empty: none
  Request request;
  std::size_t n = 1;        // samples
  std::size_t best_of = 0;  // samples that are drawn, of which the n likeliest are kept; 0: n
  bool echo = false;
  bool stream = false;        // incremental lines before the answer
  bool want_ids = false;      // the prompt came as ids: so does the answer
  bool seeded = false;        // the request says its own seed
  std::uint64_t digest = 0;   // of what was asked (Intake::digest_of)
  bool score_prompt = false;  // log-probabilities are wanted of the prompt as well

  std::size_t drawn() const { return best_of > n ? best_of : n; }
};

struct BatchError {
  Answer id;
  // "invalid_json", "invalid_csv", "invalid_request", "context_length_exceeded", "line_too_long",
  // "model_error"
  std::string type;
  std::string message;
  std::uint64_t digest = 0;
};

using ParsedRequest = std::variant<BatchRequest, BatchError>;

// What an answer says of its request: the id and, where the request can be meant, the seed.
struct RequestIdentity {
  Answer id;
  std::optional<std::uint64_t> seed;
};

struct RequestField;

// The columns of a table of requests.
struct CsvColumns {
  std::vector<const RequestField*> fields;
  std::optional<std::size_t> id, prompt;  // which these are
};

// Bytes that the request takes, and at the most what is answered.
std::size_t bytes_of(const BatchRequest& request, const ModelSpec& spec);

// Tokens that end a text besides the model's end tokens, where these do.
void add_ends(const std::vector<TokenId>& ends, Request& request);

// What a request that does not say its seed draws with: a function of the run's seed and the request's id, so
// that it does not matter where and when the request runs. Below 2^53, which every JSON reader keeps exactly.
std::uint64_t derived_seed(std::uint64_t seed, const Answer& id);

// The kind of error that stands in an answer.
std::string_view error_type(ErrorKind kind);

// What holds where a request does not say.
struct RequestDefaults {
  std::int64_t max_tokens = 128;
  bool ignore_eos = false;
  std::vector<std::string> stop;
  bool include_stop = false;
  std::vector<TokenId> allowed_tokens = {}, logprob_tokens = {};
  std::vector<std::string> banned = {};
  RepetitionDetection repetition = {};
  Constraint constraint = {};
  ExitRule exit = {};
  SamplingOptions sampling;  // its seed is the one that requests derive theirs from
  std::optional<std::size_t> logprobs;
  bool echo = false;
  std::size_t longest_line = std::size_t{8} << 20;  // bytes
};

class RequestParser {
 public:
  // All outlive the parser.
  RequestParser(const RequestDefaults& defaults, const LoadedModel& model, const Engine& engine)
      : defaults_(defaults), model_(model), engine_(engine) {}

  // By any thread.
  ParsedRequest parse_json(const Line& line) const;
  // A request that says nothing yet; a null id: one without its own, which draws with the run's seed itself.
  BatchRequest defaults(Answer id) const;
  // What is left once all fields are set: the prompt's ids and the seed. Errors: what cannot be run.
  Result<void> finish(BatchRequest& request) const;
  // The line is the prompt.
  ParsedRequest parse_text(const Line& line) const;
  // What the first row says of the others. Errors: a column that is none, twice the same, none with prompts.
  Result<CsvColumns> csv_columns(const Line& header) const;
  ParsedRequest parse_csv(const Line& row, const CsvColumns& columns) const;

  // The same without the work: what the answer to this line says of it.
  RequestIdentity json_identity(const Line& line) const;
  RequestIdentity csv_identity(const Line& row, const CsvColumns& columns) const;

 private:
  std::uint64_t seed_of(const BatchRequest& request) const;
  ParsedRequest checked(BatchRequest request) const;
  Result<void> encode(BatchRequest& request) const;

  const RequestDefaults& defaults_;
  const LoadedModel& model_;
  const Engine& engine_;
};

}  // namespace continuo
