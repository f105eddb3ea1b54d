#include "text/merge_source.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace continuo {

namespace {

constexpr std::string_view kNotTwo = "the merge '{}' is not two pieces with a blank between";

// Looks the pieces of merges up, in batches, so that the waits for memory overlap. A line's views must stay
// until its batch is looked up: those that do not are kept here.
class MergeResolver {
 public:
  explicit MergeResolver(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

  // `lasts`: the views stay. False if a piece of this batch is unknown: see missing().
  bool add(std::string_view left, std::string_view right, bool lasts, std::uint64_t place) {
    Pending& into = batch_[batched_];
    if (!lasts) {
      into.kept.assign(left);
      into.kept += right;
      const std::string_view kept(into.kept);
      left = kept.substr(0, left.size());
      right = kept.substr(left.size());
    }
    into.left = left;
    into.right = right;
    into.place = place;
    into.left_hash = hash_bytes(left);
    into.right_hash = hash_bytes(right);
    vocabulary_.prefetch_slot(into.left_hash);
    vocabulary_.prefetch_slot(into.right_hash);
    return ++batched_ < batch_.size() || finish();
  }

  // Looks up what is left.
  bool finish() {
    for (std::size_t i = 0; i < batched_; ++i) {
      vocabulary_.prefetch_record(batch_[i].left_hash);
      vocabulary_.prefetch_record(batch_[i].right_hash);
    }
    for (std::size_t i = 0; i < batched_; ++i) {
      const Pending& merge = batch_[i];
      const auto left = vocabulary_.find(merge.left, merge.left_hash);
      if (!left) return miss(merge, merge.left);
      const auto right = vocabulary_.find(merge.right, merge.right_hash);
      if (!right) return miss(merge, merge.right);
      // Most files number the merged pieces in the order of the merges, or list all merges to one piece in a
      // row.
      if (!merge.makes(vocabulary_.piece(merged_)) && !merge.makes(vocabulary_.piece(++merged_))) {
        const std::string both = std::string(merge.left).append(merge.right);
        const auto merged = vocabulary_.find(both);
        if (!merged) return miss(merge, both);
        merged_ = *merged;
      }
      lines_.push_back({*left, *right, merged_});
    }
    batched_ = 0;
    return true;
  }

  std::string missing() const {
    return fmt::format("a merge needs the piece '{}', which the vocabulary lacks", missing_);
  }
  std::uint64_t missing_at() const { return missing_at_; }  // its place
  std::vector<MergeLine> take() { return std::move(lines_); }

 private:
  struct Pending {
    std::string_view left, right;
    std::uint64_t left_hash = 0, right_hash = 0, place = 0;
    std::string kept;
    bool makes(std::string_view piece) const {
      return piece.size() == left.size() + right.size() && piece.starts_with(left) && piece.ends_with(right);
    }
  };
  bool miss(const Pending& merge, std::string_view piece) {
    missing_ = piece;
    missing_at_ = merge.place;
    return false;
  }

  const Vocabulary& vocabulary_;
  std::vector<MergeLine> lines_;
  std::array<Pending, 32> batch_;
  std::size_t batched_ = 0;
  TokenId merged_ = 0;  // of the last merge
  std::string missing_;
  std::uint64_t missing_at_ = 0;
};

struct Halves {
  std::string_view left, right;
};

std::optional<Halves> halves(std::string_view line) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos || line.find(' ', blank + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return Halves{line.substr(0, blank), line.substr(blank + 1)};
}

Result<void> read_json_merge(JsonScanner& json, MergeResolver& resolver) {
  const auto unknown = [&] {
    Error error = json.error(resolver.missing());
    error.offset = resolver.missing_at();
    return error;
  };
  if (json.peek() == '"') {
    std::string_view line;
    const bool lasts = json.plain_string(line);
    if (!lasts) {
      CONTINUO_TRY(line, json.string());
    }
    const auto parts = halves(line);
    if (!parts) return json.error(fmt::format(kNotTwo, line));
    if (!resolver.add(parts->left, parts->right, lasts, json.offset())) return unknown();
    return {};
  }
  CONTINUO_TRY_VOID(json.expect('[', "to begin a merge"));
  CONTINUO_TRY(const std::string_view first, json.string());
  const std::string left(first);
  CONTINUO_TRY_VOID(json.expect(',', "between the two pieces of a merge"));
  CONTINUO_TRY(const std::string_view right, json.string());
  if (!json.accept(']')) return json.expect(']', "after the two pieces of a merge");
  if (!resolver.add(left, right, false, json.offset())) return unknown();
  return {};
}

}  // namespace

Result<std::vector<MergeLine>> read_json_merges(JsonScanner& json, const Vocabulary& vocabulary) {
  MergeResolver resolver(vocabulary);
  CONTINUO_TRY_VOID(json.expect('[', "to begin the merges"));
  if (json.accept(']')) return resolver.take();
  do {
    CONTINUO_TRY_VOID(read_json_merge(json, resolver));
  } while (json.accept(','));
  if (!resolver.finish()) {
    Error error = json.error(resolver.missing());
    error.offset = resolver.missing_at();
    return error;
  }
  CONTINUO_TRY_VOID(json.expect(']', "to end the merges"));
  return resolver.take();
}

Result<std::vector<MergeLine>> read_text_merges(std::string_view text, const Vocabulary& vocabulary,
                                                const std::string& file) {
  MergeResolver resolver(vocabulary);
  const auto fail = [&](std::string what, std::uint64_t offset) {
    return Error{.what = std::move(what), .file = file, .offset = offset};
  };
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    const auto parts = halves(line);
    if (!parts) return fail(fmt::format(kNotTwo, line), begin);
    if (!resolver.add(parts->left, parts->right, true, begin)) return fail(resolver.missing(), resolver.missing_at());
  }
  if (!resolver.finish()) return fail(resolver.missing(), resolver.missing_at());
  return resolver.take();
}

Result<std::vector<MergeLine>> read_merge_list(std::span<const std::string_view> lines, const Vocabulary& vocabulary,
                                               const std::string& file) {
  MergeResolver resolver(vocabulary);
  const auto fail = [&] {
    return model_error(file, fmt::format("merge {}: {}", resolver.missing_at(), resolver.missing()));
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto parts = halves(lines[i]);
    if (!parts) return model_error(file, fmt::format("merge {}: {}", i, fmt::format(kNotTwo, lines[i])));
    if (!resolver.add(parts->left, parts->right, true, i)) return fail();
  }
  if (!resolver.finish()) return fail();
  return resolver.take();
}

}  // namespace continuo
