#include "cli/explain_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/numbers.h"

namespace continuo {

namespace {

Error cannot(std::string_view what, const std::string& path, int error) {
  return {.kind = ErrorKind::output, .what = fmt::format("cannot {}: {}", what, std::strerror(error)), .file = path};
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('.', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Result<std::size_t> number_below(const std::string& text, std::size_t limit, std::string_view what) {
  const std::string expected = fmt::format("a {} from 0 to {}", what, limit - 1);
  CONTINUO_TRY(const auto number, parse_number<std::size_t>(text, fmt::format("--dump: the {}", what), expected));
  if (number >= limit) return usage_error(fmt::format("--dump: {} {} is not there, expected {}", what, text, expected));
  return number;
}

Result<Dump> find_head(const explain::Recording& r, const std::string& what, const std::string& layer_text,
                       const std::string& head_text) {
  CONTINUO_TRY(const std::size_t layer, number_below(layer_text, r.layers.size(), "layer"));
  if (!r.layers[layer].attention) return usage_error(fmt::format("--dump: layer {} has no attention", layer));
  const explain::AttentionRecord& attention = *r.layers[layer].attention;
  CONTINUO_TRY(const std::size_t number, number_below(head_text, attention.heads.size(), "head"));
  const explain::HeadRecord& head = attention.heads[number];
  const explain::Grid* const grid = what == "scores"  ? &head.scores
                                    : what == "query" ? &head.queries
                                    : what == "key"   ? &attention.keys[head.kv_head]
                                    : what == "value" ? &attention.values[head.kv_head]
                                                      : &head.weights;
  return Dump{fmt::format("{}.{}.{}.npy", what, layer, number), grid};
}

Result<Dump> find_unit(const explain::Recording& r, const std::string& layer_text, const std::string& unit_text) {
  CONTINUO_TRY(const std::size_t layer, number_below(layer_text, r.layers.size(), "layer"));
  if (!r.layers[layer].memory) return usage_error(fmt::format("--dump: layer {} keeps no recurrent state", layer));
  const auto& units = r.layers[layer].memory->units;
  CONTINUO_TRY(const std::size_t unit, number_below(unit_text, units.size(), "unit"));
  return Dump{fmt::format("memory.{}.{}.npy", layer, unit), &units[unit].weights};
}

}  // namespace

Result<void> write_whole_file(const std::string& path, std::string_view bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return cannot("write", path, errno);
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      const int error = errno;
      close(fd);
      return cannot("write", path, error);
    }
  }
  if (close(fd) != 0) return cannot("write", path, errno);
  return {};
}

Result<void> make_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0777) == 0 || errno == EEXIST) return {};
  return cannot("make the folder", path, errno);
}

Result<Dump> find_dump(const explain::Recording& r, const std::string& what) {
  const auto parts = split(what);
  if (parts.size() == 1 && what == "logits") return Dump{"logits.npy", &r.logits};
  if (parts.size() == 2 && what == "hidden.input") return Dump{"hidden.input.npy", &r.hidden.front()};
  if (parts.size() == 2 && parts[0] == "hidden") {
    CONTINUO_TRY(const std::size_t layer, number_below(parts[1], r.layers.size(), "layer"));
    return Dump{fmt::format("hidden.{}.npy", layer), &r.hidden[layer + 1]};
  }
  if (parts.size() == 3 && (parts[0] == "scores" || parts[0] == "query" || parts[0] == "key" || parts[0] == "value"))
    return find_head(r, parts[0], parts[1], parts[2]);
  if (parts.size() == 3 && parts[0] == "memory") return find_unit(r, parts[1], parts[2]);
  if (parts.size() == 2) return find_head(r, "attention", parts[0], parts[1]);
  return usage_error(fmt::format(
      "--dump is '{}', expected L.H, scores.L.H, query.L.H, key.L.H, value.L.H, memory.L.U, hidden.L, hidden.input or logits",
      what));
}

}  // namespace continuo
