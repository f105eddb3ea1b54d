// Reading JSON without building it: values arrive as events, so that a file can be refused at its first
// oddity and a key that stands twice is seen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace continuo {

// Every event answers whether to go on; `refuse` remembers why not. What a handler does not expect is
// refused.
class JsonEvents : public JsonHandler {
 public:
  explicit JsonEvents(std::string file) : file_(std::move(file)) {}

  // `path` names the value an event belongs to, for messages: "model.norm.weight[3]"; empty outside any.
  virtual std::string path() const = 0;

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(number_integer_t value) override { return unexpected(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return unexpected(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& digits) override { return unexpected(digits); }
  bool string(string_t&) override { return unexpected("a string"); }
  bool start_object(std::size_t) override { return unexpected("an object"); }
  bool start_array(std::size_t) override { return unexpected("an array"); }

 protected:
  // "PATH: WHAT"
  bool refuse(std::string what, std::string hint = {});
  bool unexpected(std::string_view found) { return refuse("unexpected " + std::string(found)); }

 private:
  friend Result<void> read_json_events(std::string_view text, JsonEvents& events);
  std::string file_;
  Error error_;
};

// Sends the one JSON value of `text`, with the bounds of parse_json.
Result<void> read_json_events(std::string_view text, JsonEvents& events);

}  // namespace continuo
