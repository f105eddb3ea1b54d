#include "io/json_events.h"

namespace continuo {

bool JsonEvents::refuse(std::string what, std::string hint) {
  const std::string where = path();
  error_ = model_error(file_, where.empty() ? std::move(what) : where + ": " + what, std::move(hint));
  return false;
}

Result<void> read_json_events(std::string_view text, JsonEvents& events) {
  const JsonOutcome outcome = read_json(text, JsonDialect::strict, events);
  if (outcome.fault) {
    const std::string where = events.path();
    return json_error(*outcome.fault, events.file_, where.empty() ? "" : " in " + where);
  }
  if (outcome.stopped) return events.error_;
  return {};
}

}  // namespace continuo
