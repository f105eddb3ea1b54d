// The border at which files' names for a model's numbers stop: everything beyond asks for d_model, whatever
// the file calls it. Each getter checks type and range; an error names the file, the field, what it holds and
// what may stand there. JSON null counts as absent.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"

namespace continuo {

struct NumberRange {
  double least, largest;
  std::string_view text;  // how messages put it
};
inline constexpr NumberRange kZeroToOne = {0, 1, "a number from 0 to 1"};
inline constexpr NumberRange kFromZero = {0, std::numeric_limits<double>::max(), "a number of at least 0"};
inline constexpr NumberRange kAboveZero = {std::numeric_limits<double>::min(), std::numeric_limits<double>::max(),
                                           "a number above 0"};
inline constexpr NumberRange kFactor = {1e-9, 1e9, "a number from 1e-9 to 1e9"};  // that multiplies activations
inline constexpr NumberRange kLimit = {0, 1e9, "a number from 0 to 1e9"};         // of activations; 0: none
inline constexpr NumberRange kFromOne = {1, std::numeric_limits<double>::max(), "a number of at least 1"};

class HyperParameters {
 public:
  // Large enough for any model, small enough that the product of two fits 48 bits.
  static constexpr int kLargest = 1 << 24;
  static constexpr std::size_t kLongestList = 1 << 16;

  // `object` must outlive this. `section` is what messages put before a field: "rope_scaling.".
  HyperParameters(const Json& object, std::string file, std::string section = {});

  // Names are the canonical ones of the table in hyper_parameters.cpp. Without a fallback the value must be
  // there.
  Result<bool> has(std::string_view name) const;
  Result<int> count(std::string_view name, int largest = kLargest) const;  // 1 .. largest
  Result<int> count_or(std::string_view name, int fallback, int largest = kLargest) const;
  Result<int> index_or(std::string_view name, int fallback) const;  // 0 .. kLargest
  Result<double> number(std::string_view name, const NumberRange& range) const;
  Result<double> number_or(std::string_view name, double fallback, const NumberRange& range) const;
  Result<bool> flag_or(std::string_view name, bool fallback) const;
  Result<std::string> text(std::string_view name) const;
  Result<std::string> text_or(std::string_view name, std::string fallback) const;
  // Lists of exactly `size` values.
  Result<std::vector<float>> numbers(std::string_view name, std::size_t size, const NumberRange& range) const;
  Result<std::vector<std::string>> texts(std::string_view name, std::size_t size) const;
  // A list of whole numbers from 0, however many (at most kLongestList); empty if it is absent.
  Result<std::vector<int>> indices(std::string_view name) const;
  // The object of that name; an empty one if it is absent.
  Result<HyperParameters> section(std::string_view name) const;
  // An error if a value of this section is an object: what such values mean is not known here.
  Result<void> plain_values() const;
  // Whether the file says null: what is absent may have a default, what is null is not there.
  bool is_null(std::string_view name) const;

  // "FILE: 'hidden_size' is -3, expected EXPECTED", with the file's own name for the parameter.
  Error wrong(std::string_view name, std::string_view expected, std::string hint = {}) const;
  // The same of a list's item.
  Error wrong_item(std::string_view name, std::size_t index, std::string_view expected) const;
  // The field itself, for what fits no getter; null if it is absent.
  const Json* raw(std::string_view field) const;
  const std::string& file() const { return file_; }

 private:
  struct Field {
    std::string_view name;  // the file's
    const Json* value;
  };
  Result<std::optional<Field>> find(std::string_view name) const;
  Result<Field> need(std::string_view name) const;
  Error wrong(const Field& field, std::string_view expected, std::string hint = {}) const;
  Result<int> as_whole(const Field& field, int least, int largest) const;
  Result<double> as_number(const Field& field, const NumberRange& range) const;
  Result<std::string> as_text(const Field& field) const;
  Result<Field> need_list(std::string_view name, std::size_t size) const;

  const Json* object_;
  std::string file_;
  std::string section_;
};

}  // namespace continuo
