// Where a model's files are: a folder, bytes inside the binary, or GGUF files. Nothing above this header knows which.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace continuo {

// Read-only bytes that stay where they are as long as a copy of the Blob lives: a memory map, or static data.
class Blob {
 public:
  Blob() = default;
  Blob(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string name)
      : bytes_(bytes), owner_(std::move(owner)), name_(std::move(name)) {}
  // Of a file that is mapped.
  static Blob mapped(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string name);
  std::span<const std::byte> bytes() const { return bytes_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }
  const std::string& name() const { return name_; }  // for messages
  // The part of the file that `some` covers will not be read soon: its pages leave the memory, and come back where they
  // are read after all. Nothing happens where `some` lies outside, or no file is mapped.
  void release_pages(std::span<const std::byte> some) const;

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::string name_;
  bool mapped_ = false;
};

class GgufFile;

// Maps the file at `path`; an error if it is no regular file or cannot be read.
Result<Blob> map_file(const std::string& path);

struct EmbeddedFile {
  std::string_view name;
  std::span<const std::byte> bytes;
};

class ModelFiles {
 public:
  // An error if `path` is not a folder that can be read.
  static Result<ModelFiles> folder(const std::string& path);
  // A GGUF file, or one part of several: everything in one.
  static Result<ModelFiles> gguf(const std::string& path);
  // `name` is shown in messages, as in "tales/config.json".
  static ModelFiles embedded(std::string name, std::vector<EmbeddedFile> files);

  // Whether there is anything of that name; `open` says what is wrong with it, if so.
  bool has(std::string_view file) const;
  // The names of all files, sorted.
  std::vector<std::string> list() const;
  // Maps the file. A missing file is an error; `file` must be a plain name (no separators, no "..") of a regular
  // file or of a symbolic link to one.
  Result<Blob> open(std::string_view file) const;
  // The parts of a GGUF model in order, parsed; null where the model is a folder.
  const std::vector<GgufFile>* gguf() const { return gguf_.get(); }
  // "models/tales", "tales" or "tales.gguf": how messages and --json name the model.
  const std::string& name() const { return name_; }
  // The path to show for a file.
  std::string path_of(std::string_view file) const;

 private:
  std::string name_;
  std::string folder_;  // empty: embedded
  std::vector<EmbeddedFile> embedded_;
  std::shared_ptr<const std::vector<GgufFile>> gguf_;
};

}  // namespace continuo
