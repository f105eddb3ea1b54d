#include "cli/describe_checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "base/grouped.h"
#include "base/json.h"
#include "base/printable.h"
#include "io/checkpoint.h"

namespace continuo {

namespace {

struct FormatUse {
  std::size_t tensors = 0;
  std::size_t bytes = 0;
};

struct Totals {
  std::map<std::string, FormatUse> formats;
  std::size_t parameters = 0;
  std::size_t bytes = 0;
};

// Tensors in formats that nothing is computed with are counted, but their bytes are not known here.
Totals totals(const Checkpoint& checkpoint) {
  Totals all;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    std::size_t values = 1;
    for (const std::size_t n : tensor.shape) values *= n;
    all.parameters += values;
    all.bytes += tensor.bytes.size();
    FormatUse& use = all.formats[std::string(format_info(tensor.format).name)];
    ++use.tensors;
    use.bytes += tensor.bytes.size();
  }
  for (const auto& [name, tensor] : checkpoint.others) ++all.formats[tensor.format].tensors;
  return all;
}

// Of a configuration with short values only: lists and objects by their size.
std::string value_text(const Json& value) {
  constexpr std::size_t kLongest = 100;
  if (value.is_object()) return fmt::format("{{{} fields}}", value.size());
  if (value.is_array() && value.size() > 8) return fmt::format("[{} values]", value.size());
  std::string text = shown_json(value);
  return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

}  // namespace

Answer checkpoint_json(const Checkpoint& checkpoint, const std::string& reason, bool tensors) {
  const Totals all = totals(checkpoint);
  Answer formats = Answer::object();
  for (const auto& [format, use] : all.formats) formats[format] = {{"tensors", use.tensors}, {"bytes", use.bytes}};
  Answer answer = {{"model", checkpoint.name},
                   {"supported", false},
                   {"reason", reason},
                   {"family", checkpoint.config.value("model_type", Json())},
                   {"parameters", all.parameters},
                   {"weight_bytes", all.bytes},
                   {"formats", std::move(formats)},
                   {"config", checkpoint.config}};
  if (!tensors) return answer;
  answer["tensors"] = Answer::array();
  for (const auto& [name, tensor] : checkpoint.tensors) {
    answer["tensors"].push_back({{"name", name},
                                 {"format", format_info(tensor.format).name},
                                 {"shape", tensor.shape},
                                 {"bytes", tensor.bytes.size()}});
  }
  for (const auto& [name, tensor] : checkpoint.others)
    answer["tensors"].push_back({{"name", name}, {"format", tensor.format}, {"shape", tensor.shape}});
  return answer;
}

std::string checkpoint_text(const Checkpoint& checkpoint, const std::string& reason, bool tensors) {
  const Totals all = totals(checkpoint);
  std::string out = fmt::format("model        {}\ncannot run   {}\nparameters   {}\n", printable(checkpoint.name),
                                escaped(reason), grouped(all.parameters));
  out += fmt::format("weights      {} bytes:", grouped(all.bytes));
  for (const auto& [format, use] : all.formats)
    out += fmt::format(" {} {} ({} tensors)", grouped(use.bytes), escaped(format), use.tensors);
  out += "\nconfiguration\n";
  for (const auto& [field, value] : checkpoint.config.items())
    out += fmt::format("  {} {}\n", escaped(field), escaped(value_text(value)));
  if (!tensors) return out;
  out += "\n";
  for (const auto& [name, tensor] : checkpoint.tensors) {
    out += fmt::format("{}\t{}\t{}\t{}\n", escaped(name), format_info(tensor.format).name, fmt::join(tensor.shape, "x"),
                       tensor.bytes.size());
  }
  for (const auto& [name, tensor] : checkpoint.others)
    out += fmt::format("{}\t{}\t{}\n", escaped(name), escaped(tensor.format), fmt::join(tensor.shape, "x"));
  return out;
}

}  // namespace continuo
