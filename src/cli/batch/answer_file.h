// Where answers go: a file that one run at a time holds and that a later run can go on with, or stdout.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "requests/answer.h"

namespace continuo {

// Whose an answer is, as far as it says.
struct KeptAnswer {
  std::uint64_t id = 0;               // a hash of it
  std::optional<std::uint64_t> seed;  // errors have none
  std::uint64_t digest = 0;           // of what was asked
};

// What a run finds in the file that an earlier one left.
struct Kept {
  std::uint64_t bytes = 0;  // of whole answers; what follows is torn
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;                               // of them
  std::vector<KeptAnswer> in_order;                       // where their order says whose they are
  std::unordered_map<std::uint64_t, KeptAnswer> by_line;  // where it does not: by the requests' lines
};

std::uint64_t hash_of(const Answer& id);

enum class Opening { fresh, overwrite, resume };

class AnswerFile {
 public:
  AnswerFile() = default;  // stdout
  ~AnswerFile();
  AnswerFile(const AnswerFile&) = delete;
  AnswerFile& operator=(const AnswerFile&) = delete;

  // Opens `path` and locks it. Errors: another run holds it; it is the file that `input` reads; it has
  // contents and `opening` is fresh; it holds lines that are no answers of such a run; only a file can be
  // resumed.
  Result<Kept> open(const std::string& path, Opening opening, const AnswerForm& form, int input);
  bool is_regular() const { return regular_; }

  // Writes at once, and waits for a reader that stalls, unless `interrupted` is set. False once more is
  // pointless: the reader went away or writing failed.
  bool write(std::string_view text, const std::atomic<bool>& interrupted);
  bool ended() const { return reader_gone_ || failure_ != 0 || !lost_.empty(); }
  // All that was written is on the disk, or why not. A reader that went away is no error.
  Result<void> finish();

 private:
  bool is_same_as(int fd) const;
  Result<Kept> scan(const AnswerForm& form);
  void sync();
  void look_for_loss();

  int fd_ = 1;
  std::string name_ = "stdout";
  bool regular_ = false;
  bool reader_gone_ = false;
  int failure_ = 0;         // errno
  std::string lost_;        // what somebody else did to the file
  std::uint64_t size_ = 0;  // of a regular file, as far as this run wrote it
  std::chrono::steady_clock::time_point synced_ = std::chrono::steady_clock::now();
};

}  // namespace continuo
