// Reads the wire format of protocol buffers: fields one after the other, within bounds.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace continuo {

struct ProtobufField {
  std::uint32_t number = 0;
  // A number (of any wire type), or the bytes of a string or message.
  std::uint64_t value = 0;
  std::string_view bytes;
  bool is_bytes = false;

  float as_float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(value)); }
  bool as_bool() const { return value != 0; }
};

class ProtobufReader {
 public:
  // `base`: where `bytes` begin in the file, for offsets in errors. Neither argument is copied.
  ProtobufReader(std::string_view bytes, const std::string& file, std::size_t base = 0)
      : bytes_(bytes), file_(&file), base_(base) {}

  // Nothing at the end.
  Result<std::optional<ProtobufField>> next();
  // A reader of a field's message.
  ProtobufReader inside(const ProtobufField& field) const {
    return {field.bytes, *file_, base_ + static_cast<std::size_t>(field.bytes.data() - bytes_.data())};
  }

 private:
  Result<std::uint64_t> varint();
  Result<std::string_view> take(std::uint64_t size);
  Error error(std::string what) const;

  std::string_view bytes_;
  const std::string* file_;
  std::size_t base_;
  std::size_t at_ = 0;
};

}  // namespace continuo
