// The one parser of JSON: a value arrives as events, with the file's bounds and UTF-8 checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace continuo {

inline constexpr int kMaxJsonDepth = 64;

enum class JsonDialect : std::uint8_t {
  strict,  // RFC 8259
  python,  // as Python's json module writes and reads it: NaN, Infinity and -Infinity are numbers, and so is
           // 1e400
};

// Gets the events. Each answers whether to go on.
class JsonHandler {
 public:
  using number_integer_t = std::int64_t;
  using number_unsigned_t = std::uint64_t;
  using number_float_t = double;
  using string_t = std::string;

  virtual ~JsonHandler() = default;
  virtual bool null() = 0;
  virtual bool boolean(bool value) = 0;
  virtual bool number_integer(number_integer_t value) = 0;  // below 0
  virtual bool number_unsigned(number_unsigned_t value) = 0;
  // Fractions, exponents, and whole numbers that 64 bits cannot hold. `digits`: as the text has it.
  virtual bool number_float(number_float_t value, const string_t& digits) = 0;
  virtual bool string(string_t& value) = 0;
  virtual bool start_object(std::size_t) = 0;
  virtual bool key(string_t& name) = 0;
  virtual bool end_object() = 0;
  virtual bool start_array(std::size_t) = 0;
  virtual bool end_array() = 0;
};

// Why a text is not JSON.
struct JsonFault {
  enum class Kind : std::uint8_t { syntax, out_of_range, too_deep } kind = Kind::syntax;
  std::size_t offset = 0;
  std::string what = {};  // syntax: what is wrong, if there is more to say; out_of_range: the number
};

struct JsonOutcome {
  std::optional<JsonFault> fault;
  bool stopped = false;  // by the handler
};

// Reads the one value of `text`; a byte order mark may stand before it, and nothing but blanks behind it.
JsonOutcome read_json(std::string_view text, JsonDialect dialect, JsonHandler& handler);

}  // namespace continuo
