// Writes GGUF files, version 3: all or nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "quant/format.h"

namespace continuo {

struct GgufOutput {
  std::string name;
  std::vector<std::size_t> shape;  // outermost first
  Format format = Format::f32;
  // The values of row `r` of shape.back() floats, all but the last extent taken together.
  std::function<void(std::size_t r, float* values)> row;
  // By how much errors of each value count: a row for all rows, or for those of each outermost part; null: all alike.
  std::shared_ptr<const std::vector<float>> importance = nullptr;
};

class GgufWriter {
 public:
  void add(std::string_view key, std::uint32_t value);
  void add(std::string_view key, float value);
  void add(std::string_view key, bool value);
  void add(std::string_view key, std::string_view value);
  void add(std::string_view key, std::span<const std::string> values);
  void add(std::string_view key, std::span<const float> values);
  void add(std::string_view key, std::span<const std::int32_t> values);
  void add(std::string_view key, const std::vector<bool>& values);
  // Type and value as they stand in another file.
  void add_stored(std::string_view key, std::span<const std::byte> stored);
  void add(GgufOutput tensor) { tensors_.push_back(std::move(tensor)); }

  std::vector<GgufOutput>& tensors() { return tensors_; }
  const std::vector<GgufOutput>& tensors() const { return tensors_; }

  // Writes into `file`, which is open for writing. An error names `path`, and the tensor whose values its format cannot
  // hold.
  Result<void> write(int file, const std::string& path) const;

 private:
  std::string entries_;  // encoded
  std::uint64_t n_entries_ = 0;
  std::vector<GgufOutput> tensors_;
};

// A file beside `path` that becomes `path` when it is kept, and is gone otherwise.
class NewFile {
 public:
  static Result<NewFile> beside(const std::string& path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();
  int descriptor() const { return descriptor_; }
  const std::string& temporary_path() const { return temporary_; }
  Result<void> keep();

 private:
  NewFile() = default;
  Result<void> give_name();
  std::string path_, temporary_;
  int descriptor_ = -1;
  bool named_ = false;  // else temporary_ leads to a file without a name of its own
};

}  // namespace continuo
