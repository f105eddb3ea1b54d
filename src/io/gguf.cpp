#include "io/gguf.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>

#include "base/json.h"
#include "quant/format.h"

namespace continuo {

static_assert(std::endian::native == std::endian::little, "files are read as they stand in memory");

namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::uint64_t kAlignment = 32;      // unless general.alignment says otherwise
constexpr std::size_t kMaxRank = 4;
constexpr std::size_t kMaxKey = 65535;  // the format's own limit
constexpr int kMaxArrayDepth = 8;
constexpr std::size_t kLongestList = 1024;  // of numbers that as_json() keeps

constexpr std::array<std::size_t, 13> kTypeBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
constexpr std::array<std::string_view, 13> kTypeNames = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                         "bool", "string", "array", "u64", "i64", "f64"};

// Tensor types that can be measured but not computed with. What the format table knows comes from there.
struct OtherType {
  std::uint32_t type;
  std::string_view name;
  std::uint64_t block_values, block_bytes;
};
constexpr std::array<OtherType, 18> kOtherTypes = {{
    {9, "Q8_1", 32, 40},
    {15, "Q8_K", 256, 292},
    {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98},
    {19, "IQ1_S", 256, 50},
    {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},
    {24, "I8", 1, 1},
    {25, "I16", 1, 2},
    {26, "I32", 1, 4},
    {27, "I64", 1, 8},
    {28, "F64", 1, 8},
    {29, "IQ1_M", 256, 56},
    {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},
    {40, "NVFP4", 64, 36},
    {41, "Q1_0", 128, 18},
}};

struct BlockSize {
  std::uint64_t values, bytes;
};
std::optional<BlockSize> block_of(std::uint32_t type) {
  if (const auto format = format_from_gguf(type)) {
    return BlockSize{format_info(*format).block_values, format_info(*format).block_bytes};
  }
  for (const OtherType& other : kOtherTypes) {
    if (other.type == type) return BlockSize{other.block_values, other.block_bytes};
  }
  return std::nullopt;
}

}  // namespace

// Reads a file from front to back.
class GgufReader {
 public:
  explicit GgufReader(const Blob& file) : bytes_(file.bytes()) { gguf_.file_ = file; }

  Result<GgufFile> run() {
    CONTINUO_TRY_VOID(header());
    for (std::uint64_t i = 0; i < n_values_; ++i) CONTINUO_TRY_VOID(entry());
    CONTINUO_TRY_VOID(alignment());
    // A name, its length, a rank, an extent, a type and an offset at the least.
    CONTINUO_TRY_VOID(fits(n_tensors_, 8 + 4 + 8 + 4 + 8, "tensors"));
    gguf_.tensors_.reserve(n_tensors_);
    for (std::uint64_t i = 0; i < n_tensors_; ++i) CONTINUO_TRY_VOID(tensor());
    CONTINUO_TRY_VOID(place());
    return std::move(gguf_);
  }

 private:
  Error error(std::string what, std::string hint = {}) const { return error_at(at_, std::move(what), std::move(hint)); }
  Error error_at(std::uint64_t offset, std::string what, std::string hint = {}) const {
    return {.what = std::move(what), .file = gguf_.name(), .offset = offset, .hint = std::move(hint)};
  }
  std::size_t left() const { return bytes_.size() - at_; }

  template <class T>
  Result<T> number() {
    if (left() < sizeof(T)) return error("the file ends in the middle of its header", "was the file cut short?");
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  // Whether `count` things of at least `size` bytes each can follow at all.
  Result<void> fits(std::uint64_t count, std::uint64_t size, std::string_view what) const {
    if (count <= left() / size) return {};
    return error(fmt::format("{} {} are declared, {} bytes are left", count, what, left()), "was the file cut short?");
  }

  Result<std::string_view> string() {
    const std::size_t start = at_;
    CONTINUO_TRY(const auto length, number<std::uint64_t>());
    if (length > left()) {
      return error_at(start, fmt::format("a string of {} bytes, {} are left", length, left()),
                      "was the file cut short?");
    }
    const std::string_view text = gguf_.file_.text().substr(at_, length);
    at_ += length;
    return text;
  }

  Result<void> header() {
    if (bytes_.size() < 24) {
      return model_error(gguf_.name(), fmt::format("{} bytes are too few for a GGUF file", bytes_.size()),
                         "was the download finished?");
    }
    CONTINUO_TRY(const auto magic, number<std::uint32_t>());
    if (magic != kMagic) return error_at(0, "the file does not begin with \"GGUF\"", "is it a GGUF file at all?");
    CONTINUO_TRY(gguf_.version_, number<std::uint32_t>());
    const std::uint32_t version = gguf_.version_;
    if (version != 0 && (version & 0xffff) == 0) {
      return error_at(4, "the file is big-endian", "convert it to little-endian, which nearly all GGUF files are");
    }
    if (version != 2 && version != 3) return error_at(4, fmt::format("GGUF version {}, expected 2 or 3", version));
    CONTINUO_TRY(n_tensors_, number<std::uint64_t>());
    CONTINUO_TRY(n_values_, number<std::uint64_t>());
    CONTINUO_TRY_VOID(fits(n_values_, 8 + 4 + 1, "metadata values"));
    return fits(n_tensors_, 8 + 4 + 8 + 4 + 8, "tensors");
  }

  Result<void> entry() {
    const std::size_t start = at_;
    CONTINUO_TRY(const auto key, string());
    if (key.empty() || key.size() > kMaxKey) {
      return error_at(start, fmt::format("a metadata key of {} bytes, expected 1 to {}", key.size(), kMaxKey));
    }
    const std::size_t stored = at_;
    CONTINUO_TRY(const GgufType type, type_number(key));
    CONTINUO_TRY(GgufValue read, value(type, key));
    GgufEntry entry{std::move(read), bytes_.subspan(stored, at_ - stored)};
    if (!gguf_.metadata_.emplace(key, std::move(entry)).second) {
      return error_at(start, fmt::format("the metadata key '{}' stands twice", key));
    }
    return {};
  }

  Result<GgufType> type_number(std::string_view key) {
    const std::size_t start = at_;
    CONTINUO_TRY(const auto type, number<std::uint32_t>());
    if (type >= kTypeBytes.size()) {
      return error_at(start, fmt::format("'{}' has the unknown value type {}", key, type));
    }
    return static_cast<GgufType>(type);
  }

  template <class T, class As>
  Result<GgufValue> as() {
    CONTINUO_TRY(const T read, number<T>());
    return GgufValue(static_cast<As>(read));
  }

  Result<GgufValue> value(GgufType type, std::string_view key) {
    switch (type) {
      case GgufType::u8:
        return as<std::uint8_t, std::uint64_t>();
      case GgufType::u16:
        return as<std::uint16_t, std::uint64_t>();
      case GgufType::u32:
        return as<std::uint32_t, std::uint64_t>();
      case GgufType::u64:
        return as<std::uint64_t, std::uint64_t>();
      case GgufType::i8:
        return as<std::int8_t, std::int64_t>();
      case GgufType::i16:
        return as<std::int16_t, std::int64_t>();
      case GgufType::i32:
        return as<std::int32_t, std::int64_t>();
      case GgufType::i64:
        return as<std::int64_t, std::int64_t>();
      case GgufType::f32:
        return as<float, double>();
      case GgufType::f64:
        return as<double, double>();
      case GgufType::boolean:
        return boolean(key);
      case GgufType::string: {
        CONTINUO_TRY(const std::string_view text, string());
        return GgufValue(text);
      }
      case GgufType::array:
        break;
    }
    GgufArray read;
    CONTINUO_TRY_VOID(array(key, 1, &read));
    return GgufValue(std::move(read));
  }

  Result<GgufValue> boolean(std::string_view key) {
    const std::size_t start = at_;
    CONTINUO_TRY(const auto byte, number<std::uint8_t>());
    if (byte > 1) return error_at(start, fmt::format("'{}' is a truth value of {}, expected 0 or 1", key, byte));
    return GgufValue(byte == 1);
  }

  // `into` is null for an array in an array.
  Result<void> array(std::string_view key, int depth, GgufArray* into) {
    if (depth > kMaxArrayDepth) return error(fmt::format("'{}' nests arrays more than {} deep", key, kMaxArrayDepth));
    CONTINUO_TRY(const GgufType type, type_number(key));
    CONTINUO_TRY(const auto count, number<std::uint64_t>());
    const std::size_t size = type == GgufType::array ? 12 : type == GgufType::string ? 8 : bytes_of(type);
    CONTINUO_TRY_VOID(fits(count, size, fmt::format("elements of '{}'", key)));
    if (into) into->type = type, into->count = count;
    if (type == GgufType::array) {
      for (std::uint64_t i = 0; i < count; ++i) CONTINUO_TRY_VOID(array(key, depth + 1, nullptr));
    } else if (type == GgufType::string) {
      if (into) into->strings.reserve(count);
      for (std::uint64_t i = 0; i < count; ++i) {
        CONTINUO_TRY(const std::string_view text, string());
        if (into) into->strings.push_back(text);
      }
    } else {
      if (into) into->numbers = bytes_.subspan(at_, count * size);
      at_ += count * size;
    }
    return {};
  }

  static std::size_t bytes_of(GgufType type) { return kTypeBytes[static_cast<std::size_t>(type)]; }

  Result<void> alignment() {
    CONTINUO_TRY(const auto stated, gguf_.whole("general.alignment"));
    if (!stated) return {};
    if (*stated < 1 || *stated > (1 << 30) || !std::has_single_bit(static_cast<std::uint64_t>(*stated))) {
      return model_error(gguf_.name(), fmt::format("'general.alignment' is {}, expected a power of two", *stated));
    }
    alignment_ = static_cast<std::uint64_t>(*stated);
    return {};
  }

  Result<void> tensor() {
    const std::size_t start = at_;
    GgufTensor tensor;
    CONTINUO_TRY(tensor.name, string());
    if (!names_.insert(tensor.name).second) {
      return error_at(start, fmt::format("the tensor '{}' stands twice", tensor.name));
    }
    const auto wrong = [&](std::string what) {
      return error_at(start, fmt::format("tensor '{}': {}", tensor.name, what));
    };
    CONTINUO_TRY(const auto rank, number<std::uint32_t>());
    if (rank < 1 || rank > kMaxRank) return wrong(fmt::format("{} dimensions, expected 1 to {}", rank, kMaxRank));
    std::uint64_t values = 1;
    for (std::uint32_t i = 0; i < rank; ++i) {
      CONTINUO_TRY(const auto extent, number<std::uint64_t>());
      if (__builtin_mul_overflow(values, extent, &values) || values > (std::uint64_t{1} << 60)) {
        return wrong("its shape overflows");
      }
      tensor.shape.push_back(extent);
    }
    const std::uint64_t innermost = tensor.shape.front();
    std::reverse(tensor.shape.begin(), tensor.shape.end());
    CONTINUO_TRY(tensor.type, number<std::uint32_t>());
    const auto block = block_of(tensor.type);
    if (!block) return wrong(fmt::format("unknown type {}", tensor.type));
    if (innermost % block->values != 0) {
      return wrong(fmt::format("rows of {} values, {} stores blocks of {}", innermost, gguf_type_name(tensor.type),
                               block->values));
    }
    tensor.bytes = values / block->values * block->bytes;
    CONTINUO_TRY(tensor.offset, number<std::uint64_t>());
    if (tensor.offset % alignment_ != 0) {
      return wrong(fmt::format("offset {} is no multiple of the alignment {}", tensor.offset, alignment_));
    }
    gguf_.tensors_.push_back(std::move(tensor));
    return {};
  }

  // Turns offsets in the data into offsets in the file, and checks them.
  Result<void> place() {
    if (gguf_.tensors_.empty()) return {};
    const std::uint64_t data = (at_ + alignment_ - 1) / alignment_ * alignment_;
    const std::uint64_t room = bytes_.size() - std::min<std::uint64_t>(data, bytes_.size());
    for (GgufTensor& tensor : gguf_.tensors_) {
      if (tensor.offset > room || tensor.bytes > room - tensor.offset) {
        return model_error(gguf_.name(),
                           fmt::format("tensor '{}': {} bytes from byte {} of the data, which has {}", tensor.name,
                                       tensor.bytes, tensor.offset, room),
                           "was the file cut short?");
      }
      tensor.offset += data;
    }
    std::vector<const GgufTensor*> by_offset;
    for (const GgufTensor& tensor : gguf_.tensors_) by_offset.push_back(&tensor);
    std::sort(by_offset.begin(), by_offset.end(), [](const auto* a, const auto* b) { return a->offset < b->offset; });
    for (std::size_t i = 1; i < by_offset.size(); ++i) {
      const GgufTensor &before = *by_offset[i - 1], &after = *by_offset[i];
      if (after.offset - before.offset < before.bytes) {
        return model_error(gguf_.name(), fmt::format("tensors '{}' and '{}' overlap", before.name, after.name));
      }
    }
    return {};
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::uint64_t n_tensors_ = 0, n_values_ = 0, alignment_ = kAlignment;
  std::set<std::string_view> names_;
  GgufFile gguf_;
};

Result<GgufFile> GgufFile::parse(const Blob& file) { return GgufReader(file).run(); }

std::span<const std::byte> GgufFile::bytes_of(const GgufTensor& tensor) const {
  return file_.bytes().subspan(tensor.offset, tensor.bytes);
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto it = metadata_.find(key);
  return it == metadata_.end() ? nullptr : &it->second.value;
}

Error GgufFile::wrong(std::string_view key, std::string_view expected) const {
  return model_error(name(), fmt::format("'{}' is not {}", key, expected));
}

Result<std::optional<std::string_view>> GgufFile::text(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::optional<std::string_view>{};
  if (const auto* text = std::get_if<std::string_view>(value)) return std::optional{*text};
  return wrong(key, "a string");
}

Result<std::optional<std::int64_t>> GgufFile::whole(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::optional<std::int64_t>{};
  if (const auto* number = std::get_if<std::int64_t>(value)) return std::optional{*number};
  if (const auto* number = std::get_if<std::uint64_t>(value); number && *number <= INT64_MAX) {
    return std::optional{static_cast<std::int64_t>(*number)};
  }
  return wrong(key, "a whole number");
}

Result<std::optional<bool>> GgufFile::flag(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return std::optional<bool>{};
  if (const auto* flag = std::get_if<bool>(value)) return std::optional{*flag};
  return wrong(key, "a truth value");
}

Result<const GgufArray*> GgufFile::array(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return static_cast<const GgufArray*>(nullptr);
  if (const auto* array = std::get_if<GgufArray>(value)) return array;
  return wrong(key, "an array");
}

Result<std::span<const std::string_view>> GgufFile::texts(std::string_view key) const {
  CONTINUO_TRY(const GgufArray* found, array(key));
  if (!found) return std::span<const std::string_view>{};
  if (found->type != GgufType::string) return wrong(key, "an array of strings");
  return std::span<const std::string_view>(found->strings);
}

namespace {

template <class T, class Into>
void append_numbers(std::span<const std::byte> bytes, Into&& append) {
  for (std::size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    append(value);
  }
}

// append(number) for each, in its own type; false if the elements are not numbers.
template <class Into>
bool for_each_number(const GgufArray& array, Into&& append) {
  switch (array.type) {
    case GgufType::u8:
      return append_numbers<std::uint8_t>(array.numbers, append), true;
    case GgufType::i8:
      return append_numbers<std::int8_t>(array.numbers, append), true;
    case GgufType::u16:
      return append_numbers<std::uint16_t>(array.numbers, append), true;
    case GgufType::i16:
      return append_numbers<std::int16_t>(array.numbers, append), true;
    case GgufType::u32:
      return append_numbers<std::uint32_t>(array.numbers, append), true;
    case GgufType::i32:
      return append_numbers<std::int32_t>(array.numbers, append), true;
    case GgufType::u64:
      return append_numbers<std::uint64_t>(array.numbers, append), true;
    case GgufType::i64:
      return append_numbers<std::int64_t>(array.numbers, append), true;
    case GgufType::f32:
      return append_numbers<float>(array.numbers, append), true;
    case GgufType::f64:
      return append_numbers<double>(array.numbers, append), true;
    case GgufType::boolean:
      append_numbers<std::uint8_t>(array.numbers, [&](std::uint8_t value) { append(value != 0); });
      return true;
    case GgufType::string:
    case GgufType::array:
      return false;
  }
  return false;
}

// Text that JSON can hold, whatever bytes the file has.
std::string json_text(std::string_view text) {
  const std::string dumped = Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(dumped).get<std::string>();
}

Json json_value(const GgufValue& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return json_text(*text);
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  const auto& array = std::get<GgufArray>(value);
  Json list = Json::array();
  if (array.count <= kLongestList && for_each_number(array, [&](auto number) { list.push_back(number); })) return list;
  return nullptr;
}

}  // namespace

Json GgufFile::as_json() const {
  Json object = Json::object();
  for (const auto& [key, entry] : metadata_) {
    Json json = json_value(entry.value);
    if (!json.is_null()) object[json_text(key)] = std::move(json);
  }
  return object;
}

Result<std::vector<float>> gguf_floats(const GgufFile& file, std::string_view key) {
  std::vector<float> floats;
  CONTINUO_TRY(const GgufArray* array, file.array(key));
  if (!array) return floats;
  if (array->type != GgufType::f32 && array->type != GgufType::f64) {
    return model_error(file.name(), fmt::format("'{}' holds elements of type {}, expected f32", key,
                                                kTypeNames[static_cast<std::size_t>(array->type)]));
  }
  floats.reserve(array->count);
  for_each_number(*array, [&](auto number) { floats.push_back(static_cast<float>(number)); });
  return floats;
}

Result<std::vector<std::int32_t>> gguf_ints(const GgufFile& file, std::string_view key) {
  std::vector<std::int32_t> ints;
  CONTINUO_TRY(const GgufArray* array, file.array(key));
  if (!array) return ints;
  if (array->type != GgufType::i32 && array->type != GgufType::u32) {
    return model_error(file.name(), fmt::format("'{}' holds elements of type {}, expected i32", key,
                                                kTypeNames[static_cast<std::size_t>(array->type)]));
  }
  ints.reserve(array->count);
  for_each_number(*array, [&](auto number) { ints.push_back(static_cast<std::int32_t>(number)); });
  return ints;
}

std::string gguf_type_name(std::uint32_t type) {
  if (const auto format = format_from_gguf(type)) {
    std::string name(format_info(*format).name);
    for (char& c : name) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return name;
  }
  for (const OtherType& other : kOtherTypes) {
    if (other.type == type) return std::string(other.name);
  }
  return fmt::format("type {}", type);
}

}  // namespace continuo
