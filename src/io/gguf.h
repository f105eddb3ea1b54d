// GGUF files: metadata, tensors and all in one file, or in a few. Everything below points into the mapped file and
// provably lies inside it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "io/model_files.h"

namespace continuo {

// Types of metadata values, as the files number them.
enum class GgufType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

struct GgufArray {
  GgufType type = GgufType::u8;           // of the elements
  std::vector<std::string_view> strings;  // where they are strings
  std::span<const std::byte> numbers;     // where they are numbers: little endian, one after the other, unaligned
  std::size_t count = 0;                  // arrays in arrays are checked and counted, not kept
};

using GgufValue = std::variant<std::uint64_t, std::int64_t, double, bool, std::string_view, GgufArray>;

struct GgufEntry {
  GgufValue value;
  std::span<const std::byte> stored;  // type and value as they stand in the file
};

struct GgufTensor {
  std::string_view name;
  std::uint32_t type = 0;          // as the file numbers it
  std::vector<std::size_t> shape;  // outermost first: the other way round than in the file
  std::uint64_t offset = 0;        // in the file
  std::uint64_t bytes = 0;
};

class GgufFile {
 public:
  // Versions 2 and 3, little endian. Checks that every string, array and tensor lies inside the file, that tensors do
  // not overlap, and that no name stands twice.
  static Result<GgufFile> parse(const Blob& file);

  const std::string& name() const { return file_.name(); }
  const Blob& file() const { return file_; }
  std::uint32_t version() const { return version_; }
  const std::map<std::string_view, GgufEntry>& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  std::span<const std::byte> bytes_of(const GgufTensor& tensor) const;

  // The value of a key; nothing if it is absent, an error if it is of another kind. Numbers of any type are whole
  // numbers if their value is one.
  Result<std::optional<std::string_view>> text(std::string_view key) const;
  Result<std::optional<std::int64_t>> whole(std::string_view key) const;
  Result<std::optional<bool>> flag(std::string_view key) const;
  Result<const GgufArray*> array(std::string_view key) const;                   // null if absent
  Result<std::span<const std::string_view>> texts(std::string_view key) const;  // empty if absent

  // The metadata as an object. Arrays of numbers become lists where they are short; other arrays are left out.
  Json as_json() const;

 private:
  friend class GgufReader;
  const GgufValue* find(std::string_view key) const;
  Error wrong(std::string_view key, std::string_view expected) const;

  Blob file_;
  std::uint32_t version_ = 0;
  std::map<std::string_view, GgufEntry> metadata_;
  std::vector<GgufTensor> tensors_;
};

// The numbers of an array as T; an error if they are of another type than the named ones allow (any integer for
// integers, any float for floats).
Result<std::vector<float>> gguf_floats(const GgufFile& file, std::string_view key);
Result<std::vector<std::int32_t>> gguf_ints(const GgufFile& file, std::string_view key);

// The name of a tensor type, "Q4_K"; "type 99" for an unknown one.
std::string gguf_type_name(std::uint32_t type);

// All files of a model of which `path` is one: itself, or X-00001-of-00003.gguf and so on, in order. Whether they
// belong together is checked.
Result<std::vector<GgufFile>> open_gguf(const std::string& path);

}  // namespace continuo
