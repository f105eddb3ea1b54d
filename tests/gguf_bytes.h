// GGUF files for tests, byte by byte: right ones, and such as no writer would write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace continuo::test {

template <class T>
std::string little_endian(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}
inline std::string gguf_text(std::string_view text) {
  return little_endian(std::uint64_t{text.size()}) + std::string(text);
}

struct GgufBytes {
  std::uint32_t version = 3;
  std::vector<std::string> values;   // key, type, value
  std::vector<std::string> tensors;  // name, extents, type, offset
  std::string data;
  std::size_t alignment = 32;
  std::optional<std::uint64_t> n_values = {}, n_tensors = {};  // what the file declares, where that is not so

  template <class T>
  GgufBytes& value(std::string_view key, std::uint32_t type, T number) {
    values.push_back(gguf_text(key) + little_endian(type) + little_endian(number));
    return *this;
  }
  GgufBytes& text(std::string_view key, std::string_view value) {
    values.push_back(gguf_text(key) + little_endian(std::uint32_t{8}) + gguf_text(value));
    return *this;
  }
  GgufBytes& array(std::string_view key, std::uint32_t type, std::uint64_t count, const std::string& elements) {
    values.push_back(gguf_text(key) + little_endian(std::uint32_t{9}) + little_endian(type) + little_endian(count) +
                     elements);
    return *this;
  }
  // Extents as the file has them: innermost first.
  GgufBytes& tensor(std::string_view name, const std::vector<std::uint64_t>& extents, std::uint32_t type,
                    std::uint64_t offset) {
    std::string bytes = gguf_text(name) + little_endian(static_cast<std::uint32_t>(extents.size()));
    for (const std::uint64_t extent : extents) bytes += little_endian(extent);
    tensors.push_back(bytes + little_endian(type) + little_endian(offset));
    return *this;
  }
  // A tensor of floats at the end of the data.
  GgufBytes& floats(std::string_view name, const std::vector<std::uint64_t>& extents,
                    const std::vector<float>& numbers) {
    tensor(name, extents, 0, data.size());
    for (const float number : numbers) data += little_endian(number);
    data.resize((data.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  std::string bytes() const {
    std::string out = "GGUF" + little_endian(version) + little_endian(n_tensors.value_or(tensors.size())) +
                      little_endian(n_values.value_or(values.size()));
    for (const std::string& value : values) out += value;
    for (const std::string& tensor : tensors) out += tensor;
    if (!tensors.empty()) out.resize((out.size() + alignment - 1) / alignment * alignment);
    return out + data;
  }
};

}  // namespace continuo::test
