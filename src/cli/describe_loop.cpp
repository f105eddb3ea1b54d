#include "cli/describe_loop.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace continuo {

namespace {

Answer pass_json(const Pass& pass) {
  Answer out = {{"layers", pass.layers}, {"norm", pass.norm}};
  if (pass.keep) out["keep"] = *pass.keep;
  if (pass.from_zero) out["from_zero"] = true;
  if (pass.join != Pass::Join::none)
    out["join"] = {{"kind", pass.join == Pass::Join::add ? "add" : "map"}, {"kept", pass.joined}};
  return out;
}

Answer passes_json(const std::vector<Pass>& passes) {
  Answer out = Answer::array();
  for (const Pass& pass : passes) out.push_back(pass_json(pass));
  return out;
}

std::string layers_text(const std::vector<std::size_t>& layers) {
  if (layers.empty()) return "no layer";
  if (layers.size() == 1) return fmt::format("layer {}", layers.front());
  return fmt::format("layers {} to {}", layers.front(), layers.back());
}

std::string pass_text(const Pass& pass) {
  std::string out = pass.norm ? "norm, " : "";
  if (pass.from_zero) out += "zeros, ";
  if (pass.join == Pass::Join::add) out += "plus what was kept, ";
  if (pass.join == Pass::Join::map) out += "mapped with what was kept, ";
  return out + layers_text(pass.layers);
}

std::string passes_text(std::string_view title, const std::vector<Pass>& passes) {
  if (passes.empty()) return "";
  std::vector<std::string> parts;
  for (const Pass& pass : passes) parts.push_back(pass_text(pass));
  return fmt::format("  {:<11}{}\n", title, fmt::join(parts, "; "));
}

}  // namespace

Answer loop_json(const ModelSpec& spec) {
  if (!spec.loop) return nullptr;
  const LoopSpec& loop = *spec.loop;
  Answer out = {{"loops", loop.loops},
                {"layers_gone_through", layer_visits(spec).size()},
                {"before", passes_json(loop.before)},
                {"first", passes_json(loop.first)},
                {"again", passes_json(loop.again)},
                {"after", passes_json(loop.after)}};
  if (loop.gate) out["exit_gate"] = {{"threshold", Answer::parse(fmt::format("{}", loop.gate_threshold))}};
  return out;
}

std::string loop_text(const ModelSpec& spec) {
  if (!spec.loop) return "";
  const LoopSpec& loop = *spec.loop;
  std::string out = fmt::format("loop         {} times; layers are gone through {} times in all{}\n", loop.loops,
                                layer_visits(spec).size(), loop.gate ? "; a gate may end it" : "");
  out += passes_text("before", loop.before);
  out += passes_text("first", loop.first);
  if (loop.loops > 1) out += passes_text("again", loop.again);
  return out + passes_text("after", loop.after);
}

}  // namespace continuo
