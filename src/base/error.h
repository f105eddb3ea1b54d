// Errors as values. Bad input (a broken file, an impossible option) travels as Error inside a Result<T>;
// our own bugs do not: they end the process through check.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"

namespace continuo {

// What a script can tell apart; each kind has one exit code.
enum class ErrorKind : std::uint8_t {
  usage,        // exit 2: an option, a prompt or an id that cannot be meant
  model,        // exit 3: the model cannot be read or is not supported
  context,      // exit 4: the prompt does not fit the context
  output,       // exit 1: the answer could not be written
  interrupted,  // exit 130
};

int exit_code(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::model;
  std::string what;                          // what was found and what was expected
  std::string file = {};                     // the file it was found in, if any
  std::optional<std::uint64_t> offset = {};  // byte offset in that file, if it helps
  std::string hint = {};                     // a likely cause or the next thing to try
  std::string field = {};  // the request's field that is at fault, if any: "top_p"; `what` goes on after it

  // One line: "FILE: byte N: FIELD WHAT (HINT)".
  std::string message() const;
};

Error usage_error(std::string what, std::string hint = {});
// A usage error whose message reads "FIELD WHAT": field_error("top_p", "is 7, expected ...").
Error field_error(std::string_view field, std::string what, std::string hint = {});
Error model_error(std::string file, std::string what, std::string hint = {});

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T& value() & { return *checked(); }
  const T& value() const& { return *const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(*checked()); }
  T& operator*() & { return *checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*checked()); }
  T* operator->() { return checked(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& {
    CONTINUO_CHECK(state_.index() == 1, "Result::error() of a success");
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    CONTINUO_CHECK(state_.index() == 1, "Result::error() of a success");
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  T* checked() {
    CONTINUO_CHECK(state_.index() == 0, "Result::value() of an error");
    return std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  explicit operator bool() const { return !error_; }
  const Error& error() const& {
    CONTINUO_CHECK(error_.has_value(), "Result::error() of a success");
    return *error_;
  }
  Error&& error() && {
    CONTINUO_CHECK(error_.has_value(), "Result::error() of a success");
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace continuo

#define CONTINUO_CONCAT_(a, b) a##b
#define CONTINUO_CONCAT(a, b) CONTINUO_CONCAT_(a, b)

// CONTINUO_TRY(auto x, f()): x is f's value, or the enclosing function returns f's error.
#define CONTINUO_TRY(declaration, expression)                                                      \
  auto CONTINUO_CONCAT(try_, __LINE__) = (expression);                                             \
  if (!CONTINUO_CONCAT(try_, __LINE__)) return std::move(CONTINUO_CONCAT(try_, __LINE__)).error(); \
  declaration = std::move(CONTINUO_CONCAT(try_, __LINE__)).value()

// The same for Result<void>.
#define CONTINUO_TRY_VOID(expression)                                                   \
  do {                                                                                  \
    if (auto try_void_ = (expression); !try_void_) return std::move(try_void_).error(); \
  } while (false)
