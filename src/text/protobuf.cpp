#include "text/protobuf.h"

#include <fmt/format.h>

namespace continuo {

Error ProtobufReader::error(std::string what) const {
  return {.what = std::move(what),
          .file = *file_,
          .offset = base_ + at_,
          .hint = "was the file cut short, or is it something else?"};
}

Result<std::uint64_t> ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at_ == bytes_.size()) return error("a number does not end");
    const auto byte = static_cast<unsigned char>(bytes_[at_++]);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  return error("a number of more than 64 bits");
}

Result<std::string_view> ProtobufReader::take(std::uint64_t size) {
  if (size > bytes_.size() - at_) {
    return error(fmt::format("a field of {} bytes, but only {} are left", size, bytes_.size() - at_));
  }
  const std::string_view taken = bytes_.substr(at_, static_cast<std::size_t>(size));
  at_ += taken.size();
  return taken;
}

Result<std::optional<ProtobufField>> ProtobufReader::next() {
  if (at_ == bytes_.size()) return std::optional<ProtobufField>();
  CONTINUO_TRY(const std::uint64_t tag, varint());
  ProtobufField field{.number = static_cast<std::uint32_t>(tag >> 3)};
  if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return error("a field number that cannot be");
  const auto wire_type = static_cast<unsigned>(tag & 7);
  if (wire_type == 0) {
    CONTINUO_TRY(field.value, varint());
  } else if (wire_type == 1 || wire_type == 5) {
    CONTINUO_TRY(const std::string_view bytes, take(wire_type == 1 ? 8 : 4));
    for (std::size_t i = bytes.size(); i-- > 0;) field.value = field.value << 8 | static_cast<unsigned char>(bytes[i]);
  } else if (wire_type == 2) {
    CONTINUO_TRY(const std::uint64_t size, varint());
    CONTINUO_TRY(field.bytes, take(size));
    field.is_bytes = true;
  } else {
    return error(fmt::format("wire type {} is not known", wire_type));
  }
  return std::optional(field);
}

}  // namespace continuo
