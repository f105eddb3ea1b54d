// What a model's files hold, read and validated, but not yet understood: configuration as JSON, tensors by their
// names in the files. Every TensorView lies wholly inside its file, its length agrees with shape and format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "io/model_files.h"
#include "quant/format.h"

namespace continuo {

struct TensorView {
  Format format = Format::f32;
  std::vector<std::size_t> shape;    // outermost first, as the file gives it
  std::span<const std::byte> bytes;  // may be unaligned
  std::string file;                  // where it stands, for messages
  std::uint64_t offset = 0;          // of the first byte in that file
};

// A tensor in a format that nothing is computed with, a byte mask for example. Harmless unless a model needs it.
struct OtherTensor {
  std::string format;  // the file's word: "U8"
  std::vector<std::size_t> shape;
  std::string file;
  std::span<const std::byte> bytes = {};  // all of them, inside the file; empty where the format's size is not known
};

struct Checkpoint {
  std::string name;         // of the model, for messages and answers
  bool is_gguf = false;     // config is the metadata of a GGUF file, and tensors have its names
  std::string config_file;  // path of config.json or of the GGUF file, for messages
  Json config;              // an object
  // keys of a GGUF file that were looked for: the others are checked
  mutable std::set<std::string, std::less<>> asked;
  Json generation_config;  // an object; empty if the file is absent
  std::map<std::string, TensorView, std::less<>> tensors;
  std::map<std::string, OtherTensor, std::less<>> others;  // no name stands in both maps
  std::map<std::string, std::string, std::less<>> absent;  // tensors that an index names and no part has: its part
  std::vector<Blob> storage;                               // what the views point into
  std::vector<std::shared_ptr<std::vector<float>>> owned;  // what model.json's tensors became
};

// Reads config.json, generation_config.json (optional) and the weights: model.safetensors, or the shards that
// model.safetensors.index.json lists, or model.json (tensors as nested arrays; see models/README.md). More than one of
// the three is an error: which was meant?
// A GGUF file, or all parts of one, is a checkpoint of its own.
Result<Checkpoint> load_checkpoint(const ModelFiles& files);

// The parts, each usable and tested alone.
Result<void> read_safetensors(const Blob& file, Checkpoint& into);
Result<Checkpoint> gguf_checkpoint(std::span<const GgufFile> parts, const std::string& name);
Result<void> read_json_tensors(const Blob& file, Checkpoint& into);
// An error if a tensor of that name is there already.
Result<void> check_new(const std::string& tensor, const std::string& file, const Checkpoint& into);

}  // namespace continuo
