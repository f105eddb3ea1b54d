// `continuo pull`: fetches a model.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/waiting.h"
#include "hub/pull.h"

namespace continuo {

Result<void> run_pull(const Options& options) {
  if (options.words.size() != 1) return usage_error("expected ORG/NAME", "see continuo pull --help");
  const std::optional<HubName> name = hub_name(options.words.front());
  if (!name) {
    return usage_error(
        fmt::format("'{}' is no model's name, expected ORG/NAME or ORG/NAME@REVISION", options.words[0]));
  }
  const std::atomic<bool>& interrupted = watch_interrupts();
  Waiting waiting(options, fmt::format("fetching {}", name->repository));
  hub::PullRequest request{*name, options.pull.include,
                           [&](std::uint64_t done, std::uint64_t total) { waiting.set(done, total); }};
  CONTINUO_TRY(const std::string folder, hub::pull(request, interrupted));
  waiting.end();
  return print(folder + '\n');
}

}  // namespace continuo
