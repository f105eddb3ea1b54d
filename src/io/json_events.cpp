#include "io/json_events.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "base/json.h"

namespace continuo {

bool JsonEvents::parse_error(std::size_t byte, const std::string& token,
                             const nlohmann::detail::exception& e) {
  constexpr int kNumberOutOfRange = 406;  // nlohmann's number for 1e999
  const std::string where = path();
  const std::string in = where.empty() ? "" : " in " + where;
  const std::uint64_t offset = byte > 0 ? byte - 1 : 0;  // nlohmann counts the bytes it has read
  if (e.id == kNumberOutOfRange) {
    error_ = {.what = fmt::format("a number out of range{}: {}", in, token), .file = file_, .offset = offset};
  } else {
    error_ = {.what = "not valid JSON" + in,
              .file = file_,
              .offset = offset,
              .hint = "was the file cut short or edited by hand?"};
  }
  return false;
}

bool JsonEvents::refuse(std::string what, std::string hint) {
  const std::string where = path();
  error_ = model_error(file_, where.empty() ? std::move(what) : where + ": " + what, std::move(hint));
  return false;
}

Result<void> read_json_events(std::string_view text, JsonEvents& events) {
  if (const std::size_t at = json_too_deep(text); at != text.npos) {
    return Error{.what = fmt::format("JSON nests deeper than {} levels", kMaxJsonDepth),
                 .file = events.file_,
                 .offset = at};
  }
  if (!Json::sax_parse(text.begin(), text.end(), &events)) return events.error_;
  return {};
}

Result<Json> parse_json_unique(std::string_view text, const std::string& file) {
  CONTINUO_TRY(Json value, parse_json(text, file));
  // A second reading that looks at keys only: nlohmann's own tree keeps the last of equal keys and does not
  // tell.
  struct Keys : JsonEvents {
    using JsonEvents::JsonEvents;
    std::string path() const override { return {}; }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool start_object(std::size_t) override { return open.emplace_back(), true; }
    bool end_object() override { return open.pop_back(), true; }
    bool key(string_t& name) override {
      return open.back().insert(name).second || refuse(fmt::format("the key '{}' stands twice", name));
    }
    std::vector<std::set<std::string>> open;
  } keys(file);
  CONTINUO_TRY_VOID(read_json_events(text, keys));
  return value;
}

}  // namespace continuo
