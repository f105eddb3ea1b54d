#include "generate/beginning.h"

namespace continuo {

Beginning::Beginning(const ModelSpec& spec, StatePools& pools, std::vector<TokenId> ids, std::size_t adapter, Done done)
    : Sequence(spec, pools, ids, ids.size(), adapter), done_(std::move(done)) {
  kept_.tokens = std::move(ids);
}

std::size_t Beginning::step_end() const {
  const bool before = state().has_recurrent() && state().length() < last_boundary();
  return before ? last_boundary() : tokens().size();
}

void Beginning::keep_recurrent() {
  const std::span<const float> floats = state().all_recurrent();
  const std::size_t length = state().length();
  if (!kept_.recurrent.empty() && kept_.recurrent.back().length >= length) return;  // computed again
  if (!floats.empty()) kept_.recurrent.push_back({length, {floats.begin(), floats.end()}});
}

void Beginning::accept() {
  if (state().length() == last_boundary()) keep_recurrent();
  if (state().length() < tokens().size()) return;
  keep_recurrent();
  for (const KvCache& cache : state().caches()) {
    std::vector<PageRef>& pages = kept_.kv.emplace_back(cache.all_pages());
    for (std::size_t i = 0; i < pages.size(); ++i) {
      if (!cache.sees(i, state().length())) pages[i] = {};
    }
  }
  set_finished();
}

void Beginning::interrupt() {
  interrupted_ = true;
  set_finished();
}

void Beginning::answer() {
  if (interrupted_) return done_(Error{.kind = ErrorKind::interrupted, .what = "interrupted"});
  done_(std::move(kept_));
}

}  // namespace continuo
