// The values of options as typed. option_row.h says which options there are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "generate/limits.h"
#include "generate/pooling.h"
#include "grammar/constraint.h"
#include "model/exit_rule.h"
#include "quant/format.h"
#include "requests/format.h"
#include "sampling/options.h"

namespace continuo {

// Sampling options that were typed; the others come from the model or from the defaults.
struct TypedSampling {
  std::optional<float> temperature, top_p, min_p, typical_p, repeat_penalty, presence_penalty, frequency_penalty,
      dry_multiplier;
  std::optional<int> top_k;
  std::vector<LogitBias> logit_bias;
  SamplingOptions others;       // options that no model sets
  bool breakers_typed = false;  // of DRY: those that were typed take the place of the usual ones
};

// What `explain` shows, and where.
struct ExplainOptions {
  std::vector<std::string> views;  // empty: all
  std::string html, svg;           // a file, a folder
  std::vector<std::string> dumps;
  std::optional<std::size_t> from, to;  // positions, both included
  std::size_t layer = 0, head = 0;
  std::size_t tokens = 0;  // to generate first
  std::string language = "en";
  std::optional<std::string> beside;  // another text
  std::string beside_model;           // another model
  bool no_mask = false;
  bool measure = false;
};

// An adapter: --lora [NAME=]DIR[:SCALE].
struct TypedLora {
  std::string name;  // empty: for all requests
  std::string folder;
  float scale = 1;
};

struct BatchOptions {
  std::string out;  // empty: stdout
  bool resume = false;
  bool overwrite = false;
  bool unordered = false;
  bool fail_fast = false;
  BatchFormat format = BatchFormat::jsonl;
  std::uint64_t shard = 0;  // from 0; typed from 1
  std::uint64_t shards = 1;
  int at_once = 32;  // requests
  int step_tokens = 512;
  std::size_t memory = 0;  // bytes; 0: engine_options() says
  std::size_t max_line = std::size_t{8} << 20;
  bool no_sharing = false;
};

struct ScoreOptions {
  bool jsonl = false;
  bool summary = false;
  std::optional<std::int64_t> window, stride;
};

struct FillOptions {
  std::int64_t top = 5;  // guesses for each mask
  std::string mask;      // what stands for the mask in the text; empty: the model's own word for it
  bool one_by_one = false;
};

struct EmbedOptions {
  std::optional<Pooling> pooling;  // nothing: as the model's folder says
  bool normalize = false;
  bool jsonl = false;
  std::string out;                       // a .npy file; empty: stdout
  std::optional<std::int64_t> truncate;  // tokens; 0: off
};

struct ServeTyped {
  std::string host = "127.0.0.1";
  int port = 8080;
  std::string api_key;  // a file
  bool insecure = false;
  std::vector<std::string> hosts, origins;
  int queue = 1024;
  int deadline = 0;  // seconds; 0: none
  int grace = 30;    // seconds
  std::size_t max_body = std::size_t{8} << 20;
  int connections = 4096;
};

struct TypedMessage {
  std::string role, text;
};

struct ChatOptions {
  std::vector<TypedMessage> messages;  // as typed
  std::string template_file;           // empty: the model's own template
  std::string template_values;         // JSON; empty: none
};

struct ImatrixOptions {
  std::string file;  // quantize: read; imatrix: written
  int chunk = 512;   // tokens that are read together
  int chunks = 0;    // so many at the most; 0: all
};

struct PullOptions {
  std::vector<std::string> include;  // patterns
};

struct Options {
  std::vector<std::string> words;     // PROMPT as typed
  bool stdin_wanted = false;          // PROMPT is "-"
  bool words_marked = false;          // "--" stands before words
  std::optional<std::string> prompt;  // of --prompt
  std::string file;
  ChatOptions chat;
  std::optional<std::string> suffix;
  bool exact = false;
  bool ids = false;
  std::optional<TokenId> mask_id;    // fill, score
  std::vector<TokenId> token_types;  // with ids

  std::string model;
  int threads = 0;  // 0: as many as useful
  bool exact_math = false;
  bool no_repack = false;
  bool lookup = false;
  std::string state;  // a file; empty: none
  std::vector<TypedLora> lora;
  std::string draft_model;
  std::size_t loops = 0;  // 0: the network's own number
  ExitRule exit_when;
  Format kv_type = Format::f32;
  int verbosity = 0;

  std::int64_t max_tokens = 128;
  std::vector<std::string> stop;
  bool ignore_eos = false;
  std::vector<TokenId> stop_token_ids, allowed_token_ids, logprob_token_ids;
  bool include_stop = false;
  std::vector<std::string> banned;
  RepetitionDetection repetition;
  Constraint constraint;
  TypedSampling sampling;
  std::uint64_t seed = 0;

  bool echo = false;
  bool json = false;
  std::optional<std::size_t> logprobs;

  BatchOptions batch;
  ScoreOptions score;
  FillOptions fill;
  EmbedOptions embed;
  ServeTyped serve;
  bool decode = false;  // tokenize
  bool no_special = false;
  bool pieces = false;
  bool last_logits = false;  // score
  bool tensors = false;      // inspect
  bool families = false;
  std::optional<std::int64_t> bench_prompt, bench_tokens;
  int bench_repeat = 5;
  std::string kernels;

  std::string to_format;  // quantize
  PullOptions pull;
  ExplainOptions explain;

  std::string profile;
  bool no_config = false;
  bool help = false;
  bool man = false;
  bool version = false;

  ImatrixOptions imatrix;
};

}  // namespace continuo
