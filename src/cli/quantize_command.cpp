// continuo quantize: a model as a GGUF file, its matrices in another number format.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <tuple>

#include "cli/adapters.h"
#include "cli/command.h"
#include "cli/describe_model.h"
#include "cli/waiting.h"
#include "io/checkpoint.h"
#include "io/gguf.h"
#include "io/gguf_writer.h"
#include "io/importance_matrix.h"
#include "loading/gguf_tokenizer.h"
#include "loading/model_source.h"
#include "model/families.h"
#include "model/gguf_export.h"
#include "model/gguf_mixture.h"
#include "model/lora_modules.h"

namespace continuo {

namespace {

// A format for all matrices, or a mixture.
struct Target {
  Format format = Format::f32;
  const Mixture* mixture = nullptr;  // null: the format
};

Result<Target> wanted_target(const std::string& typed) {
  if (const auto format = format_from_name(typed)) return Target{*format};
  std::string capitals = typed;
  for (char& c : capitals) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  if (const Mixture* const mixture = find_mixture(capitals)) return Target{.mixture = mixture};
  std::string known;
  for (const FormatInfo& info : formats()) known += fmt::format("{}{}", known.empty() ? "" : ", ", info.name);
  for (const std::string_view name : mixture_names()) known += fmt::format(", {}", name);
  if (typed.empty()) return usage_error("--to FORMAT is missing", "one of " + known);
  return usage_error(fmt::format("--to is \"{}\", expected one of {}", typed, known));
}

// What the writer says of itself; the rest of the metadata stays as it is.
const std::set<std::string_view> kOurs = {"general.file_type", "general.quantization_version",
                                          "general.alignment", "split.no",
                                          "split.count",       "split.tensors.count"};

// Which output of a map is row `r` of a GGUF file, where heads of `head` outputs stand in pairs (0: they do not).
std::size_t output_of_row(std::size_t r, std::size_t head) {
  if (head == 0) return r;
  const std::size_t i = r % head;
  return r - i + i / 2 + i % 2 * (head / 2);
}

// What an adapter adds to a tensor of a GGUF file, each of which is one map.
struct Added {
  const LowRank* adapter = nullptr;  // null: nothing
  std::size_t paired_head = 0;
};
using AddedToTensors = std::map<std::string, Added, std::less<>>;

AddedToTensors added_to_tensors(const Model& model, const LowRankMaps& adapter) {
  AddedToTensors added;
  std::vector<std::size_t> paired_heads;
  for_each_layer_map(model.weights,
                     [&](std::size_t, const Linear& map, MapInput) { paired_heads.push_back(map.weight.paired_head); });
  const LoraModules modules(model);
  for (const TensorUse& tensor : model.tensors) {
    const LoraModule* const module = modules.of_tensor(tensor.name);
    if (!module || module->parts.empty()) continue;
    const std::size_t number = module->parts.front().map;
    if (const auto found = adapter.find(number); found != adapter.end())
      added[tensor.name] = {&found->second, paired_heads[number]};
  }
  return added;
}

Added added_to(const AddedToTensors& added, std::string_view tensor) {
  const auto found = added.find(tensor);
  return found == added.end() ? Added() : found->second;
}

// Another GGUF file: metadata as it stands, tensors by their names.
Result<void> take_gguf(const std::vector<GgufFile>& parts, const Model& model, const LowRankMaps& adapter,
                       GgufWriter& writer) {
  const Checkpoint& checkpoint = *model.storage;
  const auto added = added_to_tensors(model, adapter);
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
                  .row = [&view, more = added_to(added, tensor.name)](std::size_t r, float* values) {
                    const std::size_t n = view.shape.back();
                    format_info(view.format).to_float(view.bytes.data() + stored_bytes(view.format, r * n), values, n);
                    if (more.adapter) add_output(*more.adapter, output_of_row(r, more.paired_head), values);
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

// The formats of all tensors; where rows are no whole blocks of what was wanted, stderr says so.
void choose_formats(GgufWriter& writer, std::span<const Format> wanted) {
  std::map<std::tuple<std::size_t, Format, Format>, std::size_t> others;  // by length of rows
  for (std::size_t i = 0; i < writer.tensors().size(); ++i) {
    GgufOutput& tensor = writer.tensors()[i];
    tensor.format = format_for(tensor, wanted[i]);
    if (tensor.format != wanted[i] && tensor.format != Format::f32)
      ++others[{tensor.shape.back(), wanted[i], tensor.format}];
  }
  for (const auto& [of, count] : others) {
    spdlog::warn("{} tensors have rows of {} values, which are no whole blocks of {}: {} instead", count,
                 std::get<0>(of), format_info(std::get<1>(of)).name, format_info(std::get<2>(of)).name);
  }
}

GgufWriter in_format(const GgufWriter& from, const Target& target, const ModelSpec& spec, bool has_importance) {
  GgufWriter writer = from;
  const Family* const family = find_family(spec.family);
  const std::string_view architecture = family ? family->gguf.architecture : std::string_view();
  std::vector<Format> wanted(writer.tensors().size(), target.format);
  if (target.mixture) wanted = mixed_formats(*target.mixture, writer.tensors(), spec, architecture, has_importance);
  choose_formats(writer, wanted);
  writer.add("general.quantization_version", std::uint32_t{2});
  writer.add("general.file_type",
             target.mixture ? mixture_file_type(*target.mixture) : format_info(target.format).gguf_file_type);
  return writer;
}

// Errors of what is written count by what the file of --imatrix says.
Result<void> weigh(const std::string& path, GgufWriter& writer) {
  CONTINUO_TRY(const ImportanceMatrix matrix, read_importance_matrix(path));
  std::size_t found = 0;
  for (GgufOutput& tensor : writer.tensors()) {
    const auto sums = matrix.tensors.find(tensor.name);
    if (sums == matrix.tensors.end() || tensor.shape.size() < 2) continue;
    const std::size_t matrices = tensor.shape.size() > 2 ? tensor.shape.front() : 1;
    const ImportanceSums& of = sums->second;
    if (of.width() != tensor.shape.back() || of.counts.size() != matrices) {
      return model_error(path,
                         fmt::format("'{}' is of {} matrices with {} inputs, the model's of {} with {}", tensor.name,
                                     of.counts.size(), of.width(), matrices, tensor.shape.back()),
                         "was it made with another model?");
    }
    tensor.importance = std::make_shared<const std::vector<float>>(importance_of(of));
    ++found;
  }
  if (found == 0) return model_error(path, "it names no tensor of this model", "was it made with another model?");
  return {};
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

void forget_offset(std::optional<NormSpec>& norm) {
  if (norm) std::visit([](auto& kind) { kind.unit_offset = false; }, *norm);
}

// What stands in the file as what it comes to: positions that are slowed down, pair by pair; numbers are float32.
void simplify(AttentionSpec& attention, bool folds) {
  if (attention.qk_norm) {
    std::optional<NormSpec> norm = attention.qk_norm->norm;
    forget_offset(norm);
    attention.qk_norm->norm = *norm;
  }
  if (folds) attention.scale = 0;
  attention.query_scale_beta = static_cast<double>(static_cast<float>(attention.query_scale_beta));
  if (!attention.rope) return;
  const auto rounded = [](double value) { return static_cast<double>(static_cast<float>(value)); };
  attention.rope->theta = rounded(attention.rope->theta);
  RopeScaling& scaling = attention.rope->scaling;
  if (std::holds_alternative<RopeLlama3>(scaling) || std::holds_alternative<RopeFactors>(scaling)) scaling = {};
  if (auto* yarn = std::get_if<RopeYarn>(&scaling)) yarn->attention_factor = rounded(yarn->attention_factor);
}

// A limit that no step reaches is none.
void simplify(Mamba2Spec& mamba, bool folds) {
  constexpr float kNoLimit = 1e9f;
  if (mamba.dt_max >= kNoLimit) mamba.dt_max = 0;
  if (folds) mamba.input_scale = 1;
}

// A layer's plan as far as files of the family say it; `folds`: multipliers are part of the weights.
std::string plan(LayerSpec layer, bool folds) {
  for (auto* norm : {&layer.mixer_norm, &layer.post_mixer_norm, &layer.ffn_norm, &layer.post_ffn_norm})
    forget_offset(*norm);
  if (AttentionSpec* const attention = attention_in(layer.mixer)) simplify(*attention, folds);
  if (auto* mamba = std::get_if<Mamba2Spec>(&layer.mixer)) simplify(*mamba, folds);
  if (auto* beside = std::get_if<BesideSpec>(&layer.mixer)) {
    for (BesidePart& part : beside->parts) {
      if (folds) part.scale = 1;
      if (auto* mamba = std::get_if<Mamba2Spec>(&part.mixer)) simplify(*mamba, folds);
    }
  }
  if (auto* feed = std::get_if<FeedForwardSpec>(&layer.ffn); feed && folds) feed->gate_scale = feed->down_scale = 1;
  return layer_text(layer);
}

// What a file would not say: the first part of a layer's plan that differs.
std::string first_difference(const std::string& wanted, const std::string& written) {
  const auto parts = [](const std::string& text) {
    std::vector<std::string> all(1);
    for (const char c : text) {
      if (c == ',' || c == '\n') {
        all.emplace_back();
      } else if (c != ' ' || !(all.back().empty() || all.back().back() == ' ')) {
        all.back() += c;
      }
    }
    return all;
  };
  const std::vector<std::string> own = parts(wanted), other = parts(written);
  std::size_t i = 0;
  while (i + 1 < own.size() && i < other.size() && own[i] == other[i]) ++i;
  return own[i];
}

// What the model computes and the file that was written does not say; empty if there is nothing.
std::string unsaid(const ModelSpec& wanted, const ModelSpec& written) {
  const Family* const family = find_family(wanted.family);
  const bool folds = family && family->gguf.folds_scales;
  if (wanted.layers.size() != written.layers.size() || wanted.d_model != written.d_model) return "its size";
  if (!folds && wanted.tied_output != written.tied_output) return "an output that is the embedding, or is not";
  if (!folds && wanted.embedding_scale != written.embedding_scale) return "the scale of embeddings";
  if (!folds && wanted.logit_scale != written.logit_scale) return "the scale of logits";
  if (wanted.final_logit_softcap != written.final_logit_softcap) return "the cap of logits";
  if (positions_text(wanted.positions) != positions_text(written.positions)) return "positions";
  for (std::size_t i = 0; i < wanted.layers.size(); ++i) {
    const std::string own = plan(wanted.layers[i], folds), other = plan(written.layers[i], folds);
    if (own != other) return fmt::format("layer {}: {}", i, first_difference(own, other));
    const auto* const experts = std::get_if<ExpertsSpec>(&wanted.layers[i].ffn);
    const auto* const written_experts = std::get_if<ExpertsSpec>(&written.layers[i].ffn);
    if (experts && written_experts &&
        (experts->jitter != written_experts->jitter || experts->n_groups != written_experts->n_groups))
      return fmt::format("layer {}: how experts are chosen", i);
  }
  return "";
}

constexpr const char* kNoWords = "GGUF has no words for what this model computes; nothing was written";

// The file that was written computes what the model does: its plan, read back, is the same.
Result<void> check_plan(const ModelSpec& wanted, const std::string& path, const std::string& shown) {
  CONTINUO_TRY(const ModelFiles files, ModelFiles::gguf(path));
  const Result<Model> read = load_model(files);
  if (!read) return model_error(shown, kNoWords, read.error().what);
  const std::string missing = unsaid(wanted, read->spec);
  return missing.empty() ? Result<void>{} : model_error(shown, kNoWords, missing);
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
  CONTINUO_TRY(const Target target, wanted_target(options.to_format));
  CONTINUO_TRY_VOID(check_no_names(options));
  CONTINUO_TRY_VOID(same_file(in, out));
  CONTINUO_TRY(const ModelFiles files, find_model(in));
  CONTINUO_TRY(Model model, while_waiting(options, "loading the model", [&] { return load_model(files); }));
  CONTINUO_TRY(const Adapters adapters, load_adapters(options, model));
  const LowRankMaps& adapter = adapters.choices.front().maps;
  GgufWriter all;
  if (!files.gguf()) merge(adapter, model.weights);
  CONTINUO_TRY_VOID(files.gguf() ? take_gguf(*files.gguf(), model, adapter, all) : take_folder(files, model, all));
  const bool weighed = !options.imatrix.file.empty();
  if (weighed) CONTINUO_TRY_VOID(weigh(options.imatrix.file, all));
  GgufWriter writer = in_format(all, target, model.spec, weighed);
  Waiting waiting(options, "writing the model");
  count_rows(writer, waiting);
  CONTINUO_TRY(NewFile file, NewFile::beside(out));
  CONTINUO_TRY_VOID(writer.write(file.descriptor(), out));
  waiting.end();
  CONTINUO_TRY_VOID(check_plan(model.spec, file.temporary_path(), in));
  CONTINUO_TRY_VOID(file.keep());
  spdlog::info("{}: {} tensors, mostly {}", out, writer.tensors().size(),
               target.mixture ? mixture_name(*target.mixture) : format_info(target.format).name);
  return {};
}

}  // namespace continuo
