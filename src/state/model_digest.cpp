#include "state/model_digest.h"

#include <algorithm>
#include <span>
#include <vector>

#include "io/checkpoint.h"

namespace continuo {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;  // that a thread takes at once

std::span<const std::byte> stored_bytes_of(const Checkpoint& files, const std::string& name) {
  if (const auto found = files.tensors.find(name); found != files.tensors.end()) return found->second.bytes;
  const auto other = files.others.find(name);
  return other == files.others.end() ? std::span<const std::byte>() : other->second.bytes;
}

void add_configuration(const Checkpoint& files, Digester& digester) {
  for (const auto& [key, value] : files.config.items()) {
    if (files.is_gguf && key.starts_with("tokenizer.")) continue;
    digester.add_text(key);
    digester.add_text(value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
}

}  // namespace

Digest model_digest(const Model& model, ThreadPool& threads) {
  const Checkpoint& files = *model.storage;
  Digester whole;
  add_configuration(files, whole);
  std::vector<std::span<const std::byte>> pieces;
  for (const TensorUse& use : model.tensors) {
    whole.add_text(use.name);
    whole.add_text(format_info(use.format).name);
    whole.add_number(use.shape.size());
    for (const std::size_t extent : use.shape) whole.add_number(extent);
    const std::span<const std::byte> bytes = stored_bytes_of(files, use.name);
    whole.add_number(bytes.size());
    for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes)
      pieces.push_back(bytes.subspan(at, std::min(kPieceBytes, bytes.size() - at)));
  }
  std::vector<Digest> digests(pieces.size());
  threads.parallel_for(pieces.size(), [&](std::size_t i, int) { digests[i] = digest_of(pieces[i]); });
  for (const Digest& digest : digests) {
    for (const std::uint64_t word : digest) whole.add_number(word);
  }
  return whole.finish();
}

}  // namespace continuo
