// One part of a tokenizer.json, {"type": "...", ...}: its fields, checked, and errors that name the part.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"

namespace continuo {

class Part {
 public:
  // `section`: "normalizer", "decoder" and so on. Neither argument is copied.
  static Result<Part> open(const Json& json, std::string_view section, const std::string& file);

  const std::string& type() const { return type_; }
  const std::string& name() const { return name_; }  // "normalizer 'NFC'"
  const std::string& file() const { return *file_; }
  const Json& json() const { return *json_; }

  // Any other field would be a part of the meaning that nobody here knows.
  Result<void> only(std::initializer_list<std::string_view> fields) const;
  Result<std::string> text(const char* field) const;
  // `missing`: the value when the field is not there; without it the field is demanded.
  Result<bool> flag(const char* field, std::optional<bool> missing = std::nullopt) const;
  Result<std::int64_t> whole_number(const char* field, std::int64_t max) const;
  // The elements of a list.
  Result<const Json*> list(const char* field) const;

  Error error(const std::string& what) const { return model_error(*file_, name_ + ": " + what); }
  Error not_supported() const { return model_error(*file_, name_ + " is not supported"); }

 private:
  const Json* json_ = nullptr;
  const std::string* file_ = nullptr;
  std::string type_, name_;
};

}  // namespace continuo
