#include "base/json.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

namespace continuo {

namespace {

// Builds the value.
class Builder : public JsonHandler {
 public:
  Json result;
  std::string twice;  // the key that stands twice, where that stopped the reading

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return open_.pop_back(), true; }
  bool end_array() override { return open_.pop_back(), true; }
  bool key(string_t& name) override {
    const auto [member, added] = open_.back()->get_ref<Json::object_t&>().try_emplace(name, nullptr);
    member_ = &member->second;
    if (!added) twice = name;
    return added;
  }

 private:
  bool put(Json value) { return add(std::move(value)), true; }
  bool open(Json container) {
    open_.push_back(add(std::move(container)));
    return true;
  }
  Json* add(Json value) {
    if (open_.empty()) return &(result = std::move(value));
    if (open_.back()->is_object()) return &(*member_ = std::move(value));
    open_.back()->push_back(std::move(value));
    return &open_.back()->back();
  }

  std::vector<Json*> open_;  // the containers around what comes next
  Json* member_ = nullptr;   // of the innermost, if it is an object
};

// Looks for one member of the outermost object.
class NumberFinder : public JsonHandler {
 public:
  explicit NumberFinder(std::string_view key) : key_(key) {}
  std::optional<std::string> found;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t value) override { return put(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return put(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& digits) override { return put(digits); }
  bool string(string_t&) override { return true; }
  bool start_object(std::size_t) override { return ++depth_, here_ = false, true; }
  bool start_array(std::size_t) override { return ++depth_, here_ = false, true; }
  bool end_object() override { return --depth_, true; }
  bool end_array() override { return --depth_, true; }
  bool key(string_t& name) override { return here_ = depth_ == 1 && name == key_, true; }

 private:
  bool put(std::string digits) {
    if (here_) found = std::move(digits);
    return true;
  }
  std::string_view key_;
  int depth_ = 0;
  bool here_ = false;  // the value that comes next is the member's
};

}  // namespace

Error json_error(const JsonFault& fault, const std::string& file, const std::string& where) {
  Error error{.file = file, .offset = fault.offset};
  switch (fault.kind) {
    case JsonFault::Kind::too_deep:
      error.what = fmt::format("JSON nests deeper than {} levels", kMaxJsonDepth);
      break;
    case JsonFault::Kind::out_of_range:
      error.what = fmt::format("a number out of range{}: {}", where, fault.what.substr(0, 60));
      break;
    case JsonFault::Kind::syntax:
      error.what = "not valid JSON" + where + (fault.what.empty() ? "" : ": " + fault.what);
      if (fault.what.empty()) error.hint = "was the file cut short or edited by hand?";
      break;
  }
  return error;
}

Result<Json> parse_json(std::string_view bytes, const std::string& file, JsonDialect dialect) {
  Builder builder;
  const JsonOutcome outcome = read_json(bytes, dialect, builder);
  if (outcome.fault) {
    Error error = json_error(*outcome.fault, file);
    if (bytes.empty()) error.hint = "the file is empty";
    return error;
  }
  if (outcome.stopped) return model_error(file, fmt::format("the key '{}' stands twice", builder.twice));
  return std::move(builder.result);
}

std::string shown_json(const Json& value) {
  const double number = value.is_number_float() ? value.get<double>() : 0;
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<std::string> number_as_written(std::string_view object, std::string_view key) {
  NumberFinder finder(key);
  const JsonOutcome outcome = read_json(object, JsonDialect::strict, finder);
  return outcome.fault ? std::nullopt : std::move(finder.found);
}

}  // namespace continuo
