#include <cmath>

#include "explain/canvases.h"
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
  Json output(const RowOutput& output) const;
  Json ladder() const;
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
      return {{"kind", "learned"}, {"rows", grid_json(p.rows)}, {"cosines", grid_json(p.cosines)}};
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
  out["facts"] = {{"off_diagonal", f.off_diagonal},     {"asymmetry", f.asymmetry},
                  {"first_token", f.first_token},       {"entropy_bits", f.entropy},
                  {"previous_token", f.previous_token}, {"induction", optional_json(f.induction)}};
  return out;
}

Json attention_json(const AttentionRecord& attention) {
  Json heads = Json::array();
  for (const HeadRecord& head : attention.heads) heads.push_back(head_json(head));
  return {{"n_heads", attention.spec.n_heads},   {"n_kv_heads", attention.spec.n_kv_heads},
          {"head_dim", attention.spec.head_dim}, {"scale", number(attention.spec.scale)},
          {"window", attention.spec.window},     {"heads", std::move(heads)}};
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

Json Writer::cost() const {
  const CostRecord& c = r_.cost;
  Json phases = Json::array(), curve = Json::array();
  for (const PhaseCost& phase : c.phases) {
    phases.push_back({{"name", phase.name},
                      {"layer", optional_json(phase.layer)},
                      {"operations", phase.operations},
                      {"bytes", phase.bytes},
                      {"seconds", phase.seconds}});
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
          {"curve", std::move(curve)},      {"curve_end", c.curve_end}};
}

}  // namespace

Json recording_json(const Recording& r) {
  const Writer writer(r);
  Json layers = Json::array(), outputs = Json::array();
  for (const LayerRecord& layer : r.layers) layers.push_back(writer.layer(layer));
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
          {"outputs", std::move(outputs)},
          {"perplexity", optional_json(r.perplexity)},
          {"ladder", writer.ladder()},
          {"cost", writer.cost()}};
}

}  // namespace continuo::explain
