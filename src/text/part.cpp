#include "text/part.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"

namespace continuo {

Result<Part> Part::open(const Json& json, std::string_view section, const std::string& file) {
  if (!json.is_object()) return model_error(file, fmt::format("the {} is not a JSON object", section));
  const auto type = json.find("type");
  if (type == json.end() || !type->is_string()) {
    return model_error(file, fmt::format("the {} has no type", section));
  }
  Part part;
  part.json_ = &json;
  part.file_ = &file;
  part.type_ = type->get<std::string>();
  part.name_ = fmt::format("{} '{}'", section, part.type_);
  return part;
}

Result<void> Part::only(std::initializer_list<std::string_view> fields) const {
  for (const auto& item : json_->items()) {
    if (item.key() == "type" || std::find(fields.begin(), fields.end(), item.key()) != fields.end()) continue;
    return error(fmt::format("the field '{}' is not known", item.key()));
  }
  return {};
}

Result<std::string> Part::text(const char* field) const {
  const auto found = json_->find(field);
  if (found == json_->end() || !found->is_string()) return error(fmt::format("{} must be a string", field));
  return found->get<std::string>();
}

Result<bool> Part::flag(const char* field, std::optional<bool> missing) const {
  const auto found = json_->find(field);
  if (found == json_->end() && missing) return *missing;
  if (found == json_->end() || !found->is_boolean()) return error(fmt::format("{} must be true or false", field));
  return found->get<bool>();
}

Result<std::int64_t> Part::whole_number(const char* field, std::int64_t max) const {
  const auto found = json_->find(field);
  const bool good = found != json_->end() && found->is_number_unsigned() &&
                    found->get<std::uint64_t>() <= static_cast<std::uint64_t>(max);
  if (!good) return error(fmt::format("{} must be a whole number from 0 to {}", field, max));
  return found->get<std::int64_t>();
}

Result<const Json*> Part::list(const char* field) const {
  const auto found = json_->find(field);
  if (found == json_->end() || !found->is_array()) return error(fmt::format("{} must be a list", field));
  return &*found;
}

}  // namespace continuo
