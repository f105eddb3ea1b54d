// Just enough of a GGUF reader to get at a real file's vocabulary; for sound files alone.
#pragma once

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "text/gguf_vocabulary.h"

namespace continuo::test {

// The metadata under "tokenizer.ggml.", by the names without it.
class GgufMetadata {
 public:
  explicit GgufMetadata(std::string bytes) : bytes_(std::move(bytes)) {
    at_ = 16;  // magic, version, number of tensors
    for (auto count = read<std::uint64_t>(); count > 0; --count) {
      const std::string_view name = text();
      const auto type = read<std::uint32_t>();
      constexpr std::string_view kPrefix = "tokenizer.ggml.";
      value(type, name.starts_with(kPrefix) ? std::string(name.substr(kPrefix.size())) : "");
    }
  }

  // Views into this object.
  GgufVocabulary vocabulary() {
    GgufVocabulary out;
    out.model = std::string(texts_["model"].at(0));
    if (texts_.contains("pre")) out.pre = std::string(texts_["pre"].at(0));
    out.tokens = texts_["tokens"];
    out.merges = texts_["merges"];
    out.scores = floats_["scores"];
    out.token_types = ints_["token_type"];
    const auto number = [&](const char* name) {
      return ints_.contains(name) ? std::optional<std::int64_t>(ints_[name].at(0)) : std::nullopt;
    };
    const auto flag = [&](const char* name) {
      return ints_.contains(name) ? std::optional<bool>(ints_[name].at(0) != 0) : std::nullopt;
    };
    out.bos_token_id = number("bos_token_id");
    out.eos_token_id = number("eos_token_id");
    out.unknown_token_id = number("unknown_token_id");
    out.cls_token_id = number("cls_token_id");
    out.separator_token_id = number("seperator_token_id");
    out.add_bos_token = flag("add_bos_token");
    out.add_eos_token = flag("add_eos_token");
    out.add_space_prefix = flag("add_space_prefix");
    out.remove_extra_whitespaces = flag("remove_extra_whitespaces");
    return out;
  }

 private:
  template <class T>
  T read() {
    T out;
    std::memcpy(&out, bytes_.data() + at_, sizeof out);
    at_ += sizeof out;
    return out;
  }
  std::string_view text() {
    const auto size = read<std::uint64_t>();
    at_ += size;
    return std::string_view(bytes_).substr(at_ - size, size);
  }
  void value(std::uint32_t type, const std::string& name) {
    constexpr std::size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == 8) {
      texts_[name].push_back(text());
    } else if (type == 9) {
      const auto of = read<std::uint32_t>();
      for (auto count = read<std::uint64_t>(); count > 0; --count) value(of, name);
    } else if (type == 6) {
      floats_[name].push_back(read<float>());
    } else if (type == 7) {
      ints_[name].push_back(read<std::uint8_t>());
    } else if (type == 4 || type == 5) {
      ints_[name].push_back(read<std::int32_t>());
    } else {
      at_ += kSizes[type];
    }
  }

  std::string bytes_;
  std::size_t at_ = 0;
  std::map<std::string, std::vector<std::string_view>> texts_;
  std::map<std::string, std::vector<float>> floats_;
  std::map<std::string, std::vector<std::int32_t>> ints_;
};

}  // namespace continuo::test
