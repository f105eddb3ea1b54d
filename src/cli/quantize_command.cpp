// continuo quantize: a model as a GGUF file, its matrices in another number format.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <map>
#include <memory>
#include <set>

#include "cli/command.h"
#include "cli/describe_model.h"
#include "cli/waiting.h"
#include "io/checkpoint.h"
#include "io/gguf.h"
#include "io/gguf_writer.h"
#include "loading/gguf_tokenizer.h"
#include "loading/model_source.h"
#include "model/gguf_export.h"

namespace continuo {

namespace {

Result<Format> wanted_format(const std::string& typed) {
  if (const auto format = format_from_name(typed)) return *format;
  std::string known;
  for (const FormatInfo& info : formats()) known += fmt::format("{}{}", known.empty() ? "" : ", ", info.name);
  if (typed.empty()) return usage_error("--to FORMAT is missing", "one of " + known);
  return usage_error(fmt::format("--to is \"{}\", expected one of {}", typed, known));
}

// What the writer says of itself; the rest of the metadata stays as it is.
const std::set<std::string_view> kOurs = {"general.file_type", "general.quantization_version",
                                          "general.alignment", "split.no",
                                          "split.count",       "split.tensors.count"};

// Another GGUF file: metadata as it stands, tensors by their names.
Result<void> take_gguf(const std::vector<GgufFile>& parts, const Checkpoint& checkpoint, GgufWriter& writer) {
  for (const auto& [key, entry] : parts.front().metadata()) {
    if (!kOurs.count(key)) writer.add_stored(key, entry.stored);
  }
  for (const auto& [name, other] : checkpoint.others) {
    return model_error(other.file,
                       fmt::format("tensor '{}' is stored as {}, which cannot be read", name, other.format));
  }
  for (const GgufFile& part : parts) {
    for (const GgufTensor& tensor : part.tensors()) {
      const TensorView& view = checkpoint.tensors.find(std::string(tensor.name))->second;
      writer.add({.name = std::string(tensor.name),
                  .shape = tensor.shape,
                  .format = view.format,
                  .row = [&view](std::size_t r, float* values) {
                    const std::size_t n = view.shape.back();
                    format_info(view.format).to_float(view.bytes.data() + stored_bytes(view.format, r * n), values, n);
                  }});
    }
  }
  return {};
}

Result<void> take_folder(const ModelFiles& files, const Model& model, GgufWriter& writer) {
  CONTINUO_TRY_VOID(export_gguf(model, writer));
  if (files.has("tokenizer.json")) {
    CONTINUO_TRY(const Blob tokenizer, files.open("tokenizer.json"));
    return add_gguf_tokenizer(tokenizer.text(), tokenizer.name(), model.spec, writer);
  }
  spdlog::warn("{}: no tokenizer.json; the GGUF file will have no vocabulary", files.name());
  writer.add("tokenizer.ggml.model", std::string_view("none"));
  return {};
}

GgufWriter in_format(const GgufWriter& from, Format wanted) {
  GgufWriter writer = from;
  std::map<std::pair<std::size_t, Format>, std::size_t> others;  // by length of rows
  for (GgufOutput& tensor : writer.tensors()) {
    tensor.format = format_for(tensor, wanted);
    if (tensor.format != wanted && tensor.format != Format::f32) ++others[{tensor.shape.back(), tensor.format}];
  }
  for (const auto& [of, count] : others) {
    spdlog::warn("{} tensors have rows of {} values, which are no whole blocks of {}: {} instead", count, of.first,
                 format_info(wanted).name, format_info(of.second).name);
  }
  writer.add("general.quantization_version", std::uint32_t{2});
  writer.add("general.file_type", format_info(wanted).gguf_file_type);
  return writer;
}

// Tells `waiting` of every row that is written. The writer must not outlive it.
void count_rows(GgufWriter& writer, Waiting& waiting) {
  std::uint64_t total = 0;
  for (const GgufOutput& tensor : writer.tensors()) {
    std::uint64_t rows = 1;
    for (std::size_t i = 0; i + 1 < tensor.shape.size(); ++i) rows *= tensor.shape[i];
    total += rows;
  }
  const auto done = std::make_shared<std::uint64_t>(0);
  for (GgufOutput& tensor : writer.tensors()) {
    tensor.row = [row = std::move(tensor.row), done, total, &waiting](std::size_t r, float* values) {
      row(r, values);
      waiting.set(++*done, total);
    };
  }
}

// A layer's plan. Llama 3's way of slowing positions down stands in the file as the factors that it comes to.
std::string plan(LayerSpec layer) {
  if (auto* attention = std::get_if<AttentionSpec>(&layer.mixer); attention && attention->rope) {
    RopeScaling& scaling = attention->rope->scaling;
    if (std::holds_alternative<RopeLlama3>(scaling) || std::holds_alternative<RopeFactors>(scaling)) scaling = {};
  }
  return layer_text(layer);
}

// The file that was written computes what the model does: its plan, read back, is the same.
Result<void> check_plan(const ModelSpec& wanted, const std::string& path, const std::string& shown) {
  CONTINUO_TRY(const ModelFiles files, ModelFiles::gguf(path));
  CONTINUO_TRY(const Model written, load_model(files));
  const auto same_layers = [&] {
    for (std::size_t i = 0; i < wanted.layers.size(); ++i) {
      if (plan(wanted.layers[i]) != plan(written.spec.layers[i])) return false;
    }
    return true;
  };
  if (wanted.layers.size() == written.spec.layers.size() && same_layers() &&
      wanted.tied_output == written.spec.tied_output && wanted.d_model == written.spec.d_model) {
    return {};
  }
  return model_error(shown, "GGUF has no words for what this model computes; nothing was written");
}

Result<void> same_file(const std::string& in, const std::string& out) {
  struct stat a {
  }, b{};
  if (stat(in.c_str(), &a) != 0 || stat(out.c_str(), &b) != 0) return {};
  if (a.st_dev != b.st_dev || a.st_ino != b.st_ino) return {};
  return usage_error(fmt::format("{} is both what is read and what is written", out));
}

}  // namespace

Result<void> run_quantize(const Options& options) {
  if (options.words.size() != 2) return usage_error("expected IN OUT.gguf --to FORMAT", "see continuo quantize --help");
  const std::string &in = options.words[0], &out = options.words[1];
  CONTINUO_TRY(const Format format, wanted_format(options.to_format));
  CONTINUO_TRY_VOID(same_file(in, out));
  CONTINUO_TRY(const ModelFiles files, find_model(in));
  CONTINUO_TRY(const Model model, while_waiting(options, "loading the model", [&] { return load_model(files); }));
  GgufWriter all;
  CONTINUO_TRY_VOID(files.gguf() ? take_gguf(*files.gguf(), *model.storage, all) : take_folder(files, model, all));
  GgufWriter writer = in_format(all, format);
  Waiting waiting(options, "writing the model");
  count_rows(writer, waiting);
  CONTINUO_TRY(NewFile file, NewFile::beside(out));
  CONTINUO_TRY_VOID(writer.write(file.descriptor(), out));
  waiting.end();
  CONTINUO_TRY_VOID(check_plan(model.spec, file.temporary_path(), in));
  CONTINUO_TRY_VOID(file.keep());
  spdlog::info("{}: {} tensors, mostly {}", out, writer.tensors().size(), format_info(format).name);
  return {};
}

}  // namespace continuo
