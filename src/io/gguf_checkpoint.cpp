// GGUF files as a checkpoint, and the parts of a model that is split into several.
#include <fmt/format.h>

#include <algorithm>

#include "io/checkpoint.h"
#include "io/gguf.h"

namespace continuo {

namespace {

constexpr std::int64_t kMostParts = 99999;  // the names have room for five digits

// "X-00002-of-00005.gguf" -> part `number` of the same name, or nothing if the name is not of that kind.
std::optional<std::string> part_name(const std::string& path, std::int64_t number, std::int64_t count) {
  const std::string end = fmt::format("-of-{:05}.gguf", count);
  constexpr std::size_t kDigits = 6;  // a dash and five of them
  if (!path.ends_with(end) || path.size() < end.size() + kDigits) return std::nullopt;
  const std::string stem = path.substr(0, path.size() - end.size());
  const std::string digits = stem.substr(stem.size() - kDigits);
  if (digits[0] != '-' || digits.find_first_not_of("0123456789", 1) != digits.npos) return std::nullopt;
  return fmt::format("{}-{:05}{}", stem.substr(0, stem.size() - kDigits), number, end);
}

Result<GgufFile> open_one(const std::string& path) {
  CONTINUO_TRY(const Blob blob, map_file(path));
  return GgufFile::parse(blob);
}

Result<std::int64_t> split_number(const GgufFile& file, std::string_view key, std::int64_t fallback) {
  CONTINUO_TRY(const auto value, file.whole(key));
  if (value && (*value < 0 || *value > kMostParts)) {
    return model_error(file.name(), fmt::format("'{}' is {}, expected 0 to {}", key, *value, kMostParts));
  }
  return value.value_or(fallback);
}

}  // namespace

Result<std::vector<GgufFile>> open_gguf(const std::string& path) {
  std::vector<GgufFile> parts;
  CONTINUO_TRY(GgufFile given, open_one(path));
  CONTINUO_TRY(const std::int64_t count, split_number(given, "split.count", 1));
  if (count <= 1) {
    parts.push_back(std::move(given));
    return parts;
  }
  if (!part_name(path, 1, count)) {
    return model_error(path,
                       fmt::format("a part of {}, but its name does not end like -00001-of-{:05}.gguf", count, count),
                       "the other parts are found by their names; was the file renamed?");
  }
  std::uint64_t tensors = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string name = *part_name(path, i + 1, count);
    CONTINUO_TRY(GgufFile part, open_one(name));
    CONTINUO_TRY(const std::int64_t number, split_number(part, "split.no", 0));
    CONTINUO_TRY(const std::int64_t of, split_number(part, "split.count", 1));
    if (number != i || of != count) {
      return model_error(
          name, fmt::format("says that it is part {} of {}, expected part {} of {}", number + 1, of, i + 1, count),
          "do all parts belong to the same model?");
    }
    tensors += part.tensors().size();
    parts.push_back(std::move(part));
  }
  CONTINUO_TRY(const auto stated, parts.front().whole("split.tensors.count"));
  if (stated && static_cast<std::uint64_t>(*stated) != tensors) {
    return model_error(path, fmt::format("{} tensors in all parts, 'split.tensors.count' is {}", tensors, *stated),
                       "do all parts belong to the same model?");
  }
  return parts;
}

Result<Checkpoint> gguf_checkpoint(std::span<const GgufFile> parts, const std::string& name) {
  Checkpoint checkpoint;
  checkpoint.name = name;
  checkpoint.is_gguf = true;
  checkpoint.config_file = parts.front().name();
  checkpoint.config = parts.front().as_json();
  checkpoint.generation_config = Json::object();
  for (const GgufFile& part : parts) {
    for (const GgufTensor& tensor : part.tensors()) {
      const std::string key(tensor.name);
      CONTINUO_TRY_VOID(check_new(key, part.name(), checkpoint));
      if (const auto format = format_from_gguf(tensor.type)) {
        checkpoint.tensors[key] = {.format = *format,
                                   .shape = tensor.shape,
                                   .bytes = part.bytes_of(tensor),
                                   .file = part.name(),
                                   .offset = tensor.offset};
      } else {
        checkpoint.others[key] = {.format = gguf_type_name(tensor.type), .shape = tensor.shape, .file = part.name()};
      }
    }
    checkpoint.storage.push_back(part.file());
  }
  return checkpoint;
}

}  // namespace continuo
