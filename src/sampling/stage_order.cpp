// In which order stages run.
#include <fmt/format.h>

#include <algorithm>

#include "sampling/stages.h"

namespace continuo {

std::vector<const Stage*> ordered_stages(const SamplingOptions& options) {
  std::vector<const Stage*> order;
  const auto add = [&](auto wanted) {
    for (const Stage& stage : stages()) {
      if (wanted(stage)) order.push_back(&stage);
    }
  };
  if (options.samplers.empty()) {
    add([](const Stage&) { return true; });
    return order;
  }
  add([](const Stage& stage) { return stage.kind == StageKind::first; });
  for (const std::string& name : options.samplers) add([&](const Stage& stage) { return stage.option == name; });
  add([](const Stage& stage) { return stage.kind == StageKind::last; });
  return order;
}

namespace {

std::string sampler_names() {
  std::string names;
  std::string_view before;
  for (const Stage& stage : stages()) {
    if (stage.option.empty() || stage.option == before) continue;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", stage.option);
    before = stage.option;
  }
  return names;
}

}  // namespace

Result<void> validate_samplers(const SamplingOptions& options) {
  std::string_view over_candidates;  // the first that is
  for (std::size_t i = 0; i < options.samplers.size(); ++i) {
    const std::string& name = options.samplers[i];
    const auto all = stages();
    const auto stage =
        std::find_if(all.begin(), all.end(), [&](const Stage& s) { return !name.empty() && s.option == name; });
    if (stage == all.end())
      return field_error("samplers", fmt::format("has '{}', expected some of {}", name, sampler_names()));
    const auto end = options.samplers.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(options.samplers.begin(), end, name) != end)
      return field_error("samplers", fmt::format("has '{}' twice", name));
    if (stage->kind != StageKind::scores) {
      if (over_candidates.empty()) over_candidates = stage->option;
    } else if (!over_candidates.empty()) {
      return field_error("samplers", fmt::format("has '{}' behind '{}', expected it before", name, over_candidates),
                         "what changes scores comes before what drops tokens");
    }
  }
  return {};
}

bool wants_candidates(const Stage& stage, const Chain& chain) {
  return chain.temperature == 0 && (stage.kind == StageKind::candidates || stage.kind == StageKind::last);
}

void apply_stages(std::span<const Stage* const> order, Chain& chain) {
  if (!chain.allowed.empty()) keep_allowed(chain);
  const auto next_active = [&](std::size_t i) {
    while (i < order.size() && !order[i]->active(chain.options)) ++i;
    return i;
  };
  std::size_t at = next_active(0);
  while (at < order.size()) {
    const Stage& stage = *order[at];
    if (wants_candidates(stage, chain)) {
      chain.next = &stage;
      make_candidates(chain);
    }
    at = next_active(at + 1);
    chain.next = at < order.size() ? order[at] : nullptr;
    stage.apply(chain);
  }
  if (chain.temperature == 0) make_candidates(chain);
}

}  // namespace continuo
