// safetensors: 8 bytes N, little endian; N bytes of JSON; the tensors' bytes, without holes, to the end of
// the file.
//   {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {...}}
// Offsets count from the end of the JSON, which may be padded by spaces. Values are little endian, rows
// first.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "io/checkpoint.h"
#include "io/json_events.h"

namespace continuo {

namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the reference library's limit
constexpr std::size_t kMaxRank = 8;

struct Header {
  std::uint64_t data_start = 0;
  struct Tensor {
    std::string name;
    std::string dtype;
    std::vector<std::uint64_t> shape;
    std::vector<std::uint64_t> offsets;  // begin, end
  };
  std::vector<Tensor> tensors;
};

class HeaderEvents : public JsonEvents {
 public:
  using JsonEvents::JsonEvents;
  std::vector<Header::Tensor> tensors;

  std::string path() const override {
    if (level_ == 0 || name_.empty()) return {};
    return fmt::format("tensor '{}'", name_) + (field_.empty() ? "" : " " + field_);
  }

  bool start_object(std::size_t) override {
    if (skipping_ || level_ == 0) return ++level_, true;
    if (level_ == 1 && name_ == "__metadata__") return skipping_ = true, ++level_, true;
    if (level_ != 1) return unexpected("an object");
    tensors.push_back({.name = name_, .dtype = {}, .shape = {}, .offsets = {}});
    fields_.clear();
    return ++level_, true;
  }
  bool end_object() override {
    --level_;
    if (level_ == 1 && !skipping_) {
      field_.clear();
      for (const char* field : {"dtype", "shape", "data_offsets"}) {
        if (!fields_.count(field)) return refuse(fmt::format("'{}' is missing", field));
      }
    }
    if (level_ == 1) skipping_ = false;
    return true;
  }
  bool key(string_t& key) override {
    if (skipping_) return true;
    if (level_ == 1) {
      name_ = key;
      field_.clear();
      return names_.insert(key).second || refuse("stands twice in the header");
    }
    field_ = key;
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      return refuse("an unknown field", "expected dtype, shape and data_offsets");
    }
    return fields_.insert(key).second || refuse("stands twice");
  }
  bool string(string_t& value) override {
    if (skipping_) return true;
    if (level_ != 2 || field_ != "dtype") return unexpected("a string");
    tensors.back().dtype = value;
    return true;
  }
  bool start_array(std::size_t) override {
    if (skipping_) return ++level_, true;
    if (level_ != 2 || field_ == "dtype") return unexpected("an array");
    return ++level_, true;
  }
  bool end_array() override {
    --level_;
    if (!skipping_ && field_ == "data_offsets" && tensors.back().offsets.size() != 2) {
      return refuse(fmt::format("{} numbers, expected two: begin and end", tensors.back().offsets.size()));
    }
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (skipping_) return true;
    if (level_ != 3) return unexpected(std::to_string(value));
    auto& numbers = field_ == "shape" ? tensors.back().shape : tensors.back().offsets;
    if (numbers.size() == kMaxRank) return refuse(fmt::format("more than {} numbers", kMaxRank));
    numbers.push_back(value);
    return true;
  }
  bool number_integer(number_integer_t value) override {
    return skipping_ || refuse(fmt::format("{} is negative", value));
  }
  bool number_float(number_float_t, const string_t& digits) override {
    return skipping_ || refuse(fmt::format("{} is not a whole number that 64 bits can hold", digits));
  }
  bool null() override {
    const bool no_metadata = level_ == 1 && name_ == "__metadata__";
    return skipping_ || no_metadata || unexpected("null");
  }
  bool boolean(bool value) override { return skipping_ || unexpected(value ? "true" : "false"); }

 private:
  int level_ = 0;          // 1 in the header's object, 2 in a tensor's, 3 in its shape or offsets
  bool skipping_ = false;  // inside __metadata__
  std::string name_, field_;
  std::set<std::string> names_, fields_;
};

Result<Header> read_header(const Blob& file) {
  const auto bytes = file.bytes();
  if (bytes.size() < 8) {
    return model_error(file.name(), fmt::format("{} bytes are too few for a safetensors file", bytes.size()),
                       "was the download finished?");
  }
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i)
    length = length << 8 | std::to_integer<std::uint64_t>(bytes[static_cast<std::size_t>(i)]);
  if (length > kMaxHeader) {
    return model_error(file.name(), fmt::format("a header of {} bytes, at most {} can be", length, kMaxHeader),
                       "is it a safetensors file at all?");
  }
  if (length > bytes.size() - 8) {
    return model_error(file.name(), fmt::format("a header of {} bytes in a file of {} bytes", length, bytes.size()),
                       "was the file cut short?");
  }
  const std::string_view json = file.text().substr(8, length);
  if (json.empty() || json.front() != '{') {
    return Error{.what = "the header is not a JSON object",
                 .file = file.name(),
                 .offset = 8,
                 .hint = "is it a safetensors file at all?"};
  }
  HeaderEvents events(file.name());
  if (auto read = read_json_events(json, events); !read) {
    Error error = std::move(read).error();
    if (error.offset) *error.offset += 8;
    return error;
  }
  return Header{.data_start = 8 + length, .tensors = std::move(events.tensors)};
}

struct DType {
  std::string_view name;
  std::uint64_t bytes;
};
// Formats that a file may hold but nothing is computed with. What the format table knows comes from there.
constexpr std::array<DType, 12> kOtherFormats = {{{"BOOL", 1},
                                                  {"U8", 1},
                                                  {"I8", 1},
                                                  {"F8_E5M2", 1},
                                                  {"F8_E4M3", 1},
                                                  {"I16", 2},
                                                  {"U16", 2},
                                                  {"I32", 4},
                                                  {"U32", 4},
                                                  {"F64", 8},
                                                  {"I64", 8},
                                                  {"U64", 8}}};

std::optional<std::uint64_t> bytes_per_value(std::string_view dtype) {
  if (const auto format = format_from_safetensors(dtype)) return stored_bytes(*format, 1);
  for (const DType& other : kOtherFormats) {
    if (other.name == dtype) return other.bytes;
  }
  return std::nullopt;
}

// Nothing if the product does not fit 64 bits.
std::optional<std::uint64_t> product(std::span<const std::uint64_t> factors, std::uint64_t unit) {
  std::uint64_t all = unit;
  for (const std::uint64_t factor : factors) {
    if (__builtin_mul_overflow(all, factor, &all)) return std::nullopt;
  }
  return all;
}

Result<void> check_tensor(const Header::Tensor& tensor, std::uint64_t data_bytes, const std::string& file) {
  const auto error = [&](std::string what, std::string hint = {}) {
    return model_error(file, fmt::format("tensor '{}': {}", tensor.name, what), std::move(hint));
  };
  const auto unit = bytes_per_value(tensor.dtype);
  if (!unit) return error(fmt::format("unknown dtype '{}'", tensor.dtype), "F32, F16 and BF16 can be run");
  const std::uint64_t begin = tensor.offsets[0], end = tensor.offsets[1];
  if (begin > end) return error(fmt::format("data_offsets begin at {} and end at {}", begin, end));
  if (end > data_bytes) {
    return error(fmt::format("data_offsets end at {}, the file's data at {}", end, data_bytes),
                 "was the file cut short?");
  }
  const auto expected = product(tensor.shape, *unit);
  if (!expected) return error(fmt::format("shape [{}] overflows", fmt::join(tensor.shape, ", ")));
  if (*expected != end - begin) {
    return error(fmt::format("{} bytes, {} of shape [{}] takes {}", end - begin, tensor.dtype,
                             fmt::join(tensor.shape, ", "), *expected));
  }
  return {};
}

// The tensors must cover the data exactly: a hole or an overlap tells of a broken or forged file.
Result<void> check_cover(std::vector<Header::Tensor>& tensors, std::uint64_t data_bytes, const std::string& file) {
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.offsets < b.offsets; });
  std::uint64_t covered = 0;
  std::string_view previous;
  for (const Header::Tensor& tensor : tensors) {
    if (tensor.offsets[0] < covered) {
      return model_error(file, fmt::format("tensors '{}' and '{}' overlap", previous, tensor.name));
    }
    if (tensor.offsets[0] > covered) {
      return model_error(file, fmt::format("no tensor covers bytes {} to {} of the data, before tensor '{}'", covered,
                                           tensor.offsets[0], tensor.name));
    }
    covered = tensor.offsets[1];
    previous = tensor.name;
  }
  if (covered != data_bytes) {
    return model_error(file,
                       fmt::format("the tensors end at byte {} of the data, the file at {}", covered, data_bytes));
  }
  return {};
}

}  // namespace

Result<void> read_safetensors(const Blob& file, Checkpoint& into) {
  CONTINUO_TRY(Header header, read_header(file));
  const auto data = file.bytes().subspan(header.data_start);
  for (const Header::Tensor& tensor : header.tensors) CONTINUO_TRY_VOID(check_tensor(tensor, data.size(), file.name()));
  CONTINUO_TRY_VOID(check_cover(header.tensors, data.size(), file.name()));
  for (const Header::Tensor& tensor : header.tensors) {
    std::vector<std::size_t> shape(tensor.shape.begin(), tensor.shape.end());
    CONTINUO_TRY_VOID(check_new(tensor.name, file.name(), into));
    if (const auto format = format_from_safetensors(tensor.dtype)) {
      into.tensors[tensor.name] = {.format = *format,
                                   .shape = std::move(shape),
                                   .bytes = data.subspan(tensor.offsets[0], tensor.offsets[1] - tensor.offsets[0]),
                                   .file = file.name(),
                                   .offset = header.data_start + tensor.offsets[0]};
    } else {
      into.others[tensor.name] = {.format = tensor.dtype,
                                  .shape = std::move(shape),
                                  .file = file.name(),
                                  .bytes = data.subspan(tensor.offsets[0], tensor.offsets[1] - tensor.offsets[0])};
    }
  }
  into.storage.push_back(file);
  return {};
}

}  // namespace continuo
