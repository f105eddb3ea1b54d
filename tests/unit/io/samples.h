// Small model files, made on the spot.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/model_files.h"

namespace continuo::test {

struct Sample {
  std::string dtype;
  std::vector<std::size_t> shape;
  std::string bytes;
};

// Values 0.5, 1, 1.5, ... as F32.
inline Sample numbered(std::vector<std::size_t> shape, float first = 0.5f) {
  std::size_t n = 1;
  for (const std::size_t length : shape) n *= length;
  std::string bytes(n * 4, '\0');
  for (std::size_t i = 0; i < n; ++i) {
    const float value = first + 0.5f * static_cast<float>(i);
    std::memcpy(bytes.data() + 4 * i, &value, 4);
  }
  return {"F32", std::move(shape), std::move(bytes)};
}

// `header` is written as it stands; the length before it is right unless given.
inline std::string safetensors_of(const std::string& header, const std::string& data, std::uint64_t length) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(length >> (8 * i) & 0xff);
  return file + header + data;
}
inline std::string safetensors_of(const std::string& header, const std::string& data) {
  return safetensors_of(header, data, header.size());
}

inline std::string safetensors(const std::map<std::string, Sample>& tensors) {
  std::string header = R"({"__metadata__":{"format":"pt"})", data;
  for (const auto& [name, tensor] : tensors) {
    std::string shape;
    for (const std::size_t length : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(length);
    header += ",\"" + name + "\":{\"dtype\":\"" + tensor.dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
              std::to_string(data.size()) + "," + std::to_string(data.size() + tensor.bytes.size()) + "]}";
    data += tensor.bytes;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return safetensors_of(header, data);
}

// `bytes` must outlive the Blob.
inline Blob blob_of(const std::string& bytes, std::string name) {
  return Blob(std::as_bytes(std::span<const char>(bytes)), nullptr, std::move(name));
}

// What went wrong, or "" if nothing did.
template <class T>
std::string message_of(const Result<T>& result) {
  return result ? "" : result.error().message();
}

}  // namespace continuo::test
