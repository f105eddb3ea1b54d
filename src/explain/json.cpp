#include <cmath>

#include "explain/attention_facts.h"
#include "explain/canvases.h"
#include "explain/loop_record.h"
#include "explain/memory_record.h"

namespace continuo::explain {

namespace {

using Json = nlohmann::ordered_json;

// A float with the digits that tell it from its neighbours, and no more; null for what is no number.
Json number(float value) { return std::isfinite(value) ? Json::parse(fmt::format("{}", value)) : Json(); }

Json numbers_json(const float* values, std::size_t n) {
  Json out = Json::array();
  for (std::size_t i = 0; i < n; ++i) out.push_back(number(values[i]));
  return out;
}
Json numbers_json(const std::vector<float>& values) { return numbers_json(values.data(), values.size()); }

Json grid_json(const Grid& grid) {
  Json out = Json::array();
  for (std::size_t i = 0; i < grid.rows; ++i)
    out.push_back(numbers_json(grid.values.data() + i * grid.cols, grid.cols));
  return out;
}

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

class Writer {
 public:
  explicit Writer(const Recording& r) : r_(r) {}

  Json token(TokenId id) const { return {{"id", id}, {"text", r_.pieces[static_cast<std::size_t>(id)]}}; }

  Json guesses(const std::vector<Guess>& list, const char* key = "probability") const {
    Json out = Json::array();
    for (const Guess& guess : list) {
      Json entry = token(guess.id);
      entry[key] = number(guess.probability);
      out.push_back(std::move(entry));
    }
    return out;
  }

  Json tokens() const;
  Json positions() const;
  Json layer(const LayerRecord& layer) const;
  Json loops() const;
  Json output(const RowOutput& output) const;
  Json ladder() const;
  Json attribution() const;
  Json ablations(const std::vector<Ablation>& list, std::string_view kind) const;
  Json what_if() const;
  Json tree() const;
  Json cost() const;

 private:
  const Recording& r_;
};

std::string_view name_of(Cut cut) {
  constexpr std::string_view kNames[] = {"start", "special", "word", "no_piece", "words_first", "merge", "unknown"};
  return kNames[static_cast<std::size_t>(cut)];
}

Json Writer::tokens() const {
  Json out = Json::array();
  for (std::size_t i = 0; i < r_.tokens.size(); ++i) {
    const TokenRecord& t = r_.tokens[i];
    Json bytes = Json::array(), nearest = Json::array();
    for (const char byte : t.text) bytes.push_back(static_cast<unsigned char>(byte));
    for (const Neighbour& neighbour : t.nearest) {
      Json entry = token(neighbour.id);
      entry["cosine"] = number(neighbour.cosine);
      nearest.push_back(std::move(entry));
    }
    out.push_back({{"position", r_.from + i},
                   {"id", t.id},
                   {"piece", t.piece},
                   {"text", t.text},
                   {"bytes", std::move(bytes)},
                   {"special", t.special},
                   {"generated", t.generated},
                   {"cut", name_of(t.cut)},
                   {"joined", t.joined ? token(*t.joined) : Json()},
                   {"embedding_norm", number(t.embedding_norm)},
                   {"nearest", std::move(nearest)}});
  }
  return out;
}

Json Writer::positions() const {
  const PositionRecord& p = r_.positions;
  switch (p.kind) {
    case PositionKind::learned:
    case PositionKind::sinusoidal:
      return {{"kind", p.kind == PositionKind::learned ? "learned" : "sinusoidal"},
              {"rows", grid_json(p.rows)},
              {"cosines", grid_json(p.cosines)}};
    case PositionKind::rope:
      return {{"kind", "rope"},
              {"layer", p.rope_layer},
              {"theta", p.theta},
              {"rotary_dim", p.rotary_dim},
              {"head_dim", p.head_dim},
              {"turns", numbers_json(p.turns)},
              {"layers_without", p.layers_without}};
    case PositionKind::alibi:
      return {{"kind", "alibi"}, {"slopes", numbers_json(p.slopes)}, {"layers_without", p.layers_without}};
    case PositionKind::none:
      break;
  }
  return {{"kind", "none"}};
}

Json head_json(const HeadRecord& head) {
  const HeadFacts& f = head.facts;
  Json out = {{"kv_head", head.kv_head}, {"scores", grid_json(head.scores)}, {"weights", grid_json(head.weights)}};
  if (head.unmasked.rows > 0) out["weights_without_mask"] = grid_json(head.unmasked);
  out["weight_before_window"] = numbers_json(head.before);
  out["weight_on_sink"] = head.sink.empty() ? Json() : numbers_json(head.sink);
  out["facts"] = {{"off_diagonal", f.off_diagonal},         {"asymmetry", f.asymmetry},
                  {"first_token", f.first_token},           {"entropy_bits", f.entropy},
                  {"previous_token", f.previous_token},     {"own_token", f.own_token},
                  {"induction", optional_json(f.induction)}};
  constexpr std::string_view kKinds[] = {"mixed", "previous_token", "first_token", "own_token", "induction"};
  out["kind"] = kKinds[static_cast<std::size_t>(kind_of(f))];
  return out;
}

Json attention_json(const AttentionRecord& attention) {
  Json heads = Json::array();
  for (const HeadRecord& head : attention.heads) heads.push_back(head_json(head));
  if (attention.heads.empty()) return nullptr;
  return {{"n_heads", attention.spec.n_heads},   {"n_kv_heads", attention.spec.n_kv_heads},
          {"head_dim", attention.spec.head_dim}, {"scale", number(attention.spec.scale)},
          {"window", attention.spec.window},     {"heads", std::move(heads)}};
}

Json routing_json(const RoutingRecord& routing) {
  Json rows = Json::array();
  for (const auto& row : routing.rows) {
    Json list = Json::array();
    for (const ExpertChoice& choice : row)
      list.push_back({{"expert", choice.expert}, {"weight", number(choice.weight)}});
    rows.push_back(std::move(list));
  }
  return {{"n_experts", routing.n_experts},
          {"n_active", routing.n_active},
          {"shared", routing.shared},
          {"rows", std::move(rows)}};
}

// The vectors of one head, and what it makes of them.
Json chosen_head_json(const Recording& r, std::size_t layer, std::size_t number_of_head) {
  if (layer >= r.layers.size() || !r.layers[layer].attention) return nullptr;
  const AttentionRecord& attention = *r.layers[layer].attention;
  if (number_of_head >= attention.heads.size()) return nullptr;
  const HeadRecord& head = attention.heads[number_of_head];
  const Grid& values = attention.values[head.kv_head];
  Grid results(head.weights.rows, values.cols);
  for (std::size_t i = 0; i < results.rows; ++i) {
    for (std::size_t d = 0; d < results.cols; ++d) {
      double sum = 0;
      for (std::size_t j = 0; j < values.rows; ++j) sum += double(head.weights.at(i, j)) * double(values.at(j, d));
      results.at(i, d) = static_cast<float>(sum);
    }
  }
  return {{"layer", layer},
          {"head", number_of_head},
          {"kv_head", head.kv_head},
          {"queries", grid_json(head.queries)},
          {"keys", grid_json(attention.keys[head.kv_head])},
          {"values", grid_json(values)},
          {"results", grid_json(results)}};
}

Json unit_json(const UnitRecord& unit) {
  Json half_lives = Json::array();
  for (const float decay : unit.decay) half_lives.push_back(optional_json(half_life(decay)));
  return {{"index", optional_json(unit.index)},
          {"weights", grid_json(unit.weights)},
          {"share_before_window", numbers_json(unit.before)},
          {"carried_norm", numbers_json(unit.carried)},
          {"written_norm", numbers_json(unit.written)},
          {"state_norm", numbers_json(unit.state)},
          {"forgotten_share", numbers_json(unit.forgotten)},
          {"half_life", std::move(half_lives)}};
}

Json memory_json(const MemoryRecord& memory) {
  Json units = Json::array();
  for (const UnitRecord& unit : memory.units) units.push_back(unit_json(unit));
  return {{"kind", memory.kind},           {"unit", memory.heads ? "head" : "channel"},
          {"n_units", memory.n_units},     {"key_dim", memory.key_dim},
          {"value_dim", memory.value_dim}, {"averaged", memory.averaged},
          {"units", std::move(units)}};
}

Json Writer::layer(const LayerRecord& layer) const {
  Json lens = Json::array(), neurons = Json::array();
  for (const auto& row : layer.lens) lens.push_back(guesses(row));
  for (const auto& row : layer.neurons) {
    Json list = Json::array();
    for (const Neuron& neuron : row)
      list.push_back({{"index", neuron.index}, {"activation", number(neuron.activation)}});
    neurons.push_back(std::move(list));
  }
  return {{"attention", layer.attention ? attention_json(*layer.attention) : Json()},
          {"memory", layer.memory ? memory_json(*layer.memory) : Json()},
          {"routing", layer.routing ? routing_json(*layer.routing) : Json()},
          {"residual_norm", numbers_json(layer.residual)},
          {"mixer_part_norm", numbers_json(layer.mixer_part)},
          {"feed_part_norm", numbers_json(layer.feed_part)},
          {"d_ff", layer.d_ff},
          {"neurons", std::move(neurons)},
          {"positive_share", layer.positive},
          {"lens",
           {{"guesses", std::move(lens)},
            {"final_rank", layer.final_rank},
            {"final_probability", numbers_json(layer.final_probability)}}}};
}

Json Writer::loops() const {
  Json out = Json::array();
  for (const LoopRecord& loop : r_.loops) {
    Json rows = Json::array();
    for (const LoopRow& row : loop.rows) {
      Json entry = {{"guesses", guesses(row.guesses)},
                    {"entropy_bits", row.entropy},
                    {"kl", optional_json(row.kl)},
                    {"change", optional_json(row.change)}};
      if (row.lambda) entry["exit_probability"] = *row.lambda;
      if (row.gate_sum) entry["exit_probability_sum"] = *row.gate_sum;
      rows.push_back(std::move(entry));
    }
    out.push_back(std::move(rows));
  }
  return out;
}

Json exits_json(const Recording& r) {
  Json out = Json::object();
  for (const ExitExample& example : exit_examples(r)) out[example.rule] = example.loops;
  return out;
}

Json early_exit_json(const Recording& r) {
  const EarlyExit exit = early_exit(r);
  if (exit.layers.empty()) return {};
  return {{"layers", exit.layers}, {"output_share", exit.output_share}, {"saved_at_most", exit.saved}};
}

Json Writer::output(const RowOutput& o) const {
  Json otherwise;
  if (o.otherwise) {
    otherwise = token(o.otherwise->first);
    otherwise["probability"] = number(o.otherwise->probability);
    otherwise["continuation"] = Json::array();
    for (const TokenId id : o.otherwise->rest) otherwise["continuation"].push_back(token(id));
  }
  return {{"guesses", guesses(o.guesses)},
          {"entropy_bits", o.entropy},
          {"next", o.next ? token(*o.next) : Json()},
          {"logprob", optional_json(o.logprob)},
          {"rank", optional_json(o.rank)},
          {"first_leading_layer", optional_json(o.first_leading)},
          {"otherwise", std::move(otherwise)}};
}

Json Writer::ladder() const {
  const Ladder& l = r_.ladder;
  Json stages = Json::array();
  for (const LadderStage& stage : l.stages) {
    stages.push_back({{"name", stage.name},
                      {"active", stage.active},
                      {"changed", stage.changed},
                      {"kept", stage.kept},
                      {"removed", stage.removed},
                      {"mass", stage.mass},
                      {"best", guesses(stage.best)},
                      {"dropped", guesses(stage.dropped)}});
  }
  return {{"position", l.position},
          {"logits", guesses(l.logits_best, "logit")},
          {"stages", std::move(stages)},
          {"drawn", l.drawn ? token(*l.drawn) : Json()},
          {"number", l.greedy || !l.drawn ? Json() : Json(l.number)},
          {"from", l.from},
          {"to", l.to}};
}

Json Writer::attribution() const {
  const Attribution& a = r_.attribution;
  if (a.parts.empty()) return nullptr;
  constexpr std::string_view kKinds[] = {"embedding", "head", "mixer", "feed_forward", "layer_input", "bias", "rest"};
  Json parts = Json::array();
  for (const PartShare& part : a.parts) {
    const bool of_layer = part.kind != PartShare::Kind::embedding && part.kind != PartShare::Kind::bias &&
                          part.kind != PartShare::Kind::rest;
    parts.push_back({{"kind", kKinds[static_cast<std::size_t>(part.kind)]},
                     {"layer", of_layer ? Json(part.layer) : Json()},
                     {"head", part.kind == PartShare::Kind::head ? Json(part.head) : Json()},
                     {"answer", part.answer},
                     {"rival", part.rival}});
  }
  return {{"answer", token(a.answer.id)},
          {"answer_logit", a.answer_logit},
          {"rival", token(a.rival.id)},
          {"rival_logit", a.rival_logit},
          {"parts", std::move(parts)}};
}

Json Writer::ablations(const std::vector<Ablation>& list, std::string_view kind) const {
  Json out = Json::array();
  for (const Ablation& one : list) {
    Json entry = Json::object();
    if (kind == "token") entry["position"] = r_.from + one.row;
    if (kind != "token") entry["layer"] = one.layer;
    if (kind == "head") entry["head"] = one.head;
    entry["guesses"] = guesses(one.best);
    entry["answer_probability"] = number(one.answer);
    entry["divergence_bits"] = one.divergence;
    out.push_back(std::move(entry));
  }
  return out;
}

Json Writer::what_if() const {
  const WhatIf& w = r_.what_if;
  if (w.before.empty()) return nullptr;
  return {{"guesses", guesses(w.before)},
          {"tokens", ablations(w.tokens, "token")},
          {"layers", ablations(w.layers, "layer")},
          {"heads", ablations(w.heads, "head")},
          {"complete", w.complete}};
}

Json Writer::tree() const {
  Json nodes = Json::array();
  for (const TreeNode& node : r_.tree) {
    Json entry = token(node.id);
    entry["probability"] = number(node.probability);
    entry["path_probability"] = node.path;
    entry["parent"] = optional_json(node.parent);
    nodes.push_back(std::move(entry));
  }
  return nodes;
}

Json unmasked_json(const Recording& r) {
  if (!r.unmasked.absent.empty()) return nullptr;
  Json logprobs = Json::array();
  for (const auto& logprob : r.unmasked.logprobs) logprobs.push_back(optional_json(logprob));
  return {{"logprobs", std::move(logprobs)}, {"weights", r.unmasked.weights ? grid_json(*r.unmasked.weights) : Json()}};
}

Json Writer::cost() const {
  const CostRecord& c = r_.cost;
  Json phases = Json::array(), work = Json::array(), curve = Json::array();
  for (const PhaseCost& phase : c.phases) {
    phases.push_back({{"name", phase.name},
                      {"layer", optional_json(phase.layer)},
                      {"operations", phase.operations},
                      {"bytes", phase.bytes},
                      {"seconds", phase.seconds}});
  }
  for (const WorkPoint& point : c.work) {
    work.push_back({{"tokens", point.length},
                    {"attention", point.attention},
                    {"scan", point.scan},
                    {"feed_forward", point.feed},
                    {"other", point.other},
                    {"decode_attention", point.decode_attention},
                    {"decode_scan", point.decode_scan},
                    {"decode_other", point.decode_other}});
  }
  for (const CurvePoint& point : c.curve) {
    curve.push_back({{"tokens", point.length},
                     {"prefill_seconds", point.prefill},
                     {"prefill_attention_seconds", point.prefill_attention},
                     {"prefill_scan_seconds", point.prefill_scan},
                     {"prefill_feed_forward_seconds", point.prefill_feed},
                     {"decode_seconds", point.decode},
                     {"decode_attention_seconds", point.decode_attention},
                     {"decode_scan_seconds", point.decode_scan}});
  }
  return {{"threads", c.threads},           {"kernels", c.kernels},
          {"weight_bytes", c.weight_bytes}, {"cache_bytes_per_token", c.cache_bytes_per_token},
          {"state_bytes", c.state_bytes},   {"phases", std::move(phases)},
          {"work", std::move(work)},        {"curve", std::move(curve)},
          {"curve_end", c.curve_end}};
}

}  // namespace

Json recording_json(const Recording& r, std::size_t layer, std::size_t head) {
  const Writer writer(r);
  Json layers = Json::array(), outputs = Json::array();
  for (const LayerRecord& record : r.layers) layers.push_back(writer.layer(record));
  for (const RowOutput& output : r.outputs) outputs.push_back(writer.output(output));
  return {{"format", "continuo-explain-1"},
          {"model", r.model},
          {"family", r.family},
          {"d_model", r.d_model},
          {"vocab_size", r.vocab_size},
          {"context_length", r.context_length},
          {"text_tokens", r.text_tokens},
          {"from", r.from},
          {"to", r.to},
          {"n", r.rows()},
          {"tokens", writer.tokens()},
          {"positions", writer.positions()},
          {"input_norm", numbers_json(r.embedded)},
          {"layers", std::move(layers)},
          {"loops", writer.loops()},
          {"exits", exits_json(r)},
          {"early_exit", early_exit_json(r)},
          {"outputs", std::move(outputs)},
          {"perplexity", optional_json(r.perplexity)},
          {"ladder", r.ladder.logits_best.empty() ? Json() : writer.ladder()},
          {"chosen_head", chosen_head_json(r, layer, head)},
          {"attribution", writer.attribution()},
          {"what_if", writer.what_if()},
          {"tree", writer.tree()},
          {"unmasked", unmasked_json(r)},
          {"beside", r.beside ? recording_json(*r.beside, layer, head) : Json()},
          {"cost", writer.cost()}};
}

}  // namespace continuo::explain
