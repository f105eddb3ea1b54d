// model.json: {"NAME": nested arrays of numbers, ...}, one level of nesting for each dimension, rows first. A
// key that starts with "_" is a remark: a string or an array of strings, not read further. See
// models/README.md.
#include <fmt/format.h>

#include <cmath>
#include <set>

#include "io/checkpoint.h"
#include "io/json_events.h"

namespace continuo {

namespace {

constexpr std::size_t kMaxRank = 8;

struct JsonTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::shared_ptr<std::vector<float>> values;
};

class TensorEvents : public JsonEvents {
 public:
  using JsonEvents::JsonEvents;
  std::vector<JsonTensor> tensors;

  // "NAME[2][0]": the value that comes next.
  std::string path() const override {
    std::string text = name_;
    for (const std::size_t i : index_) text += fmt::format("[{}]", i);
    return text;
  }

  bool start_object(std::size_t) override {
    if (in_file_) return unexpected("an object");
    return in_file_ = true;
  }
  bool end_object() override { return true; }

  bool key(string_t& key) override {
    name_ = key;
    if (!names_.insert(key).second) return refuse("stands twice");
    remark_ = key.starts_with('_');
    if (!remark_) tensors.push_back({.name = key, .shape = {}, .values = std::make_shared<std::vector<float>>()});
    return true;
  }
  bool string(string_t& text) override {
    if (remark_ && in_file_) return true;
    return in_file_ ? refuse(fmt::format("'{}' is not a number", text)) : unexpected("a string");
  }

  bool start_array(std::size_t) override {
    if (!in_file_) return unexpected("an array");
    if (remark_) return true;
    if (index_.size() == kMaxRank) return refuse(fmt::format("more than {} dimensions", kMaxRank));
    if (rank() != 0 && index_.size() == rank()) return refuse("an array where the values before it are numbers");
    index_.push_back(0);
    return true;
  }
  bool end_array() override {
    if (remark_) return true;
    const std::size_t length = index_.back();
    index_.pop_back();
    if (length == 0) return refuse("an empty array");
    std::size_t& expected = tensors.back().shape[index_.size()];
    if (expected == 0) expected = length;
    if (length != expected) return refuse(fmt::format("{} long, those before it {}", length, expected));
    if (!index_.empty()) ++index_.back();
    return true;
  }

  bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t&) override { return number(value); }

 private:
  std::size_t rank() const { return tensors.back().shape.size(); }  // 0: not known yet

  bool number(double value) {
    if (!in_file_ || remark_) return unexpected("number");
    if (index_.empty()) return refuse("a number, expected an array");
    if (rank() == 0) tensors.back().shape.assign(index_.size(), 0);
    if (index_.size() != rank()) return refuse("a number where the values before it are arrays");
    const auto project_out = static_cast<float>(value);
    if (!std::isfinite(project_out)) return refuse(fmt::format("{} is out of float32's range", value));
    tensors.back().values->push_back(project_out);
    ++index_.back();
    return true;
  }

  bool in_file_ = false;  // the outermost object has begun
  bool remark_ = false;
  std::string name_;
  std::set<std::string> names_;
  std::vector<std::size_t> index_;  // of the next value in each open array
};

}  // namespace

Result<void> read_json_tensors(const Blob& file, Checkpoint& into) {
  TensorEvents events(file.name());
  CONTINUO_TRY_VOID(read_json_events(file.text(), events));
  for (JsonTensor& tensor : events.tensors) {
    CONTINUO_TRY_VOID(check_new(tensor.name, file.name(), into));
    into.tensors[tensor.name] = {.format = Format::f32,
                                 .shape = std::move(tensor.shape),
                                 .bytes = std::as_bytes(std::span<const float>(*tensor.values)),
                                 .file = file.name()};
    into.owned.push_back(std::move(tensor.values));
  }
  return {};
}

}  // namespace continuo
