#include "cli/batch/answer_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/json.h"
#include "base/numbers.h"
#include "cli/batch/lines.h"
#include "requests/csv.h"
#include "requests/fields.h"
#include "requests/request_json.h"

namespace continuo {

namespace {

constexpr std::chrono::seconds kSyncEvery{5};
constexpr int kLookMilliseconds = 100;    // how often `interrupted` is looked at while the reader stalls
constexpr std::size_t kPipePiece = 4096;  // a pipe that is ready takes so much without waiting (PIPE_BUF)
constexpr std::size_t kLongestAnswer = std::size_t{1} << 30;

Error failed(const std::string& name, int error, bool resumable = false) {
  return {.kind = ErrorKind::output,
          .what = std::string("cannot write the answers: ") + std::strerror(error),
          .file = name,
          .hint = error == ENOSPC && resumable ? "make room, then go on with --resume" : ""};
}

bool is_file_or_new(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

Error no_answer(const std::string& name, std::uint64_t line) {
  return usage_error(fmt::format("{}: line {} is no answer of a batch run", name, line),
                     "--resume goes on with the output of the same command, --overwrite begins anew");
}

}  // namespace

std::uint64_t hash_of(const Answer& id) { return derived_seed(0, id); }

AnswerFile::~AnswerFile() {
  if (fd_ != STDOUT_FILENO) close(fd_);
}

Result<Kept> AnswerFile::open(const std::string& path, Opening opening, const AnswerForm& form, int input) {
  const bool file = is_file_or_new(path);
  if (!file && opening == Opening::resume) return usage_error(path + " is no file that a run can resume");
  // Anything else is opened for writing alone: a pipe then waits for its reader, and shows when that one goes
  // away.
  const int fd = ::open(path.c_str(), (file ? O_RDWR | O_CREAT : O_WRONLY) | O_CLOEXEC | O_APPEND, 0666);
  if (fd < 0 && errno == EINTR) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
  if (fd < 0) return failed(path, errno);
  fd_ = fd;
  name_ = path;
  struct stat status {};
  regular_ = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  if (!regular_) return Kept();
  if (is_same_as(input)) return usage_error("the requests and the answers are the same file: " + path);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return Error{.kind = ErrorKind::output,
                 .what = "another run is writing this file",
                 .file = path,
                 .hint = "it is locked; let that run end first"};
  }
  if (fstat(fd, &status) != 0) return failed(path, errno);
  if (opening == Opening::fresh && status.st_size > 0) {
    return usage_error(fmt::format("{} has {} bytes already", path, status.st_size),
                       "--resume goes on after its answers, --overwrite begins anew");
  }
  Kept kept;
  if (opening == Opening::resume) {
    CONTINUO_TRY(kept, scan(form));
  }
  size_ = kept.bytes;
  if (ftruncate(fd, static_cast<off_t>(kept.bytes)) != 0 || lseek(fd, 0, SEEK_END) < 0) return failed(path, errno);
  return kept;
}

bool AnswerFile::is_same_as(int fd) const {
  struct stat mine {
  }, other{};
  return regular_ && fstat(fd_, &mine) == 0 && fstat(fd, &other) == 0 && mine.st_dev == other.st_dev &&
         mine.st_ino == other.st_ino;
}

namespace {

// What one line of the file is.
struct Entry {
  bool answer = false;  // or a streamed increment, which its answer follows
  bool error = false;
  Answer id;
  std::uint64_t line = 0;  // of the request; 0 if it does not say
  std::optional<std::uint64_t> seed, digest;
  std::optional<std::string> model;
};

Result<Entry> read_entry(const Line& line, const std::string& name) {
  const auto json = parse_request_json(line.text, name);
  if (!json || !json->is_object() || !json->contains("id")) return no_answer(name, line.number);
  Entry entry{.id = Answer((*json)["id"])};
  const auto error = json->find("error");
  entry.error = error != json->end();
  const auto finish = json->find("finish_reason");
  entry.answer = entry.error || json->contains("choices") || (finish != json->end() && finish->is_string());
  if (!entry.answer && finish == json->end()) return no_answer(name, line.number);
  const Json& holder = entry.error ? *error : *json;
  if (const auto number = holder.find("line"); number != holder.end() && number->is_number_unsigned()) {
    entry.line = number->get<std::uint64_t>();
  }
  if (const auto seed = json->find("seed"); seed != json->end() && seed->is_number_unsigned()) {
    entry.seed = seed->get<std::uint64_t>();
  }
  if (const auto digest = json->find("digest"); digest != json->end() && digest->is_number_unsigned()) {
    entry.digest = digest->get<std::uint64_t>();
  }
  if (const auto model = json->find("model"); model != json->end() && model->is_string()) {
    entry.model = model->get<std::string>();
  }
  return entry;
}

// A row of a table of answers: the last of a request's samples stands for the answer.
Result<Entry> read_row(const Line& line, const std::string& name) {
  const auto cells = csv_cells(line.text);
  if (!cells || cells->size() != kAnswerColumns.size()) return no_answer(name, line.number);
  const auto cell = [&](std::string_view column) -> const std::string& {
    const auto at = std::find(kAnswerColumns.begin(), kAnswerColumns.end(), column) - kAnswerColumns.begin();
    return (*cells)[static_cast<std::size_t>(at)];
  };
  const auto row = parse_number<std::uint64_t>(cell("row"), "", "");
  const auto index = parse_number<std::uint64_t>(cell("index"), "", "");
  const auto samples = parse_number<std::uint64_t>(cell("n"), "", "");
  if (!row || !index || !samples || *index >= *samples) return no_answer(name, line.number);
  const auto seed = parse_number<std::uint64_t>(cell("seed"), "", "");
  const auto digest = parse_number<std::uint64_t>(cell("digest"), "", "");
  return Entry{.answer = *index + 1 == *samples,
               .error = !cell("error_type").empty(),
               .id = id_from_cell(cell("id")),
               .line = *row,
               .seed = seed ? std::optional(*seed) : std::nullopt,
               .digest = digest ? std::optional(*digest) : std::nullopt,
               .model = cell("model")};
}

// Notes an answer of such a run as this one is.
Result<void> keep(const Entry& entry, const AnswerForm& form, const std::string& name, const Line& line, Kept& kept) {
  if (entry.model && *entry.model != form.model) {
    return usage_error(
        fmt::format("{}: line {} is of the model {}, not {}", name, line.number, *entry.model, form.model),
        "--resume goes on with the same model");
  }
  if (!entry.digest) {
    return usage_error(fmt::format("{}: line {} does not say what it answers (no digest)", name, line.number),
                       "it was written by another version; --overwrite begins anew");
  }
  const KeptAnswer answer{hash_of(entry.id), entry.seed, *entry.digest};
  if (!form.with_line) {
    // Rows of a table and errors always say their request's line.
    if (form.format == BatchFormat::jsonl && !entry.error && entry.line != 0) {
      return usage_error(fmt::format("{}: line {} was written by a run with --unordered", name, line.number),
                         "--resume goes on with the same options");
    }
    kept.in_order.push_back(answer);
  } else if (entry.line == 0 || !kept.by_line.emplace(entry.line, answer).second) {
    return no_answer(name, line.number);
  }
  return {};
}

}  // namespace

Result<Kept> AnswerFile::scan(const AnswerForm& form) {
  const int fd = dup(fd_);
  if (fd < 0) return failed(name_, errno);
  static const std::atomic<bool> kNever{false};
  const bool table = form.format == BatchFormat::csv;
  LineReader reader(fd, name_, kLongestAnswer, kNever, table ? LineKind::csv_row : LineKind::line);
  struct stat status {};
  if (fstat(fd_, &status) != 0) return failed(name_, errno);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  Kept kept;
  std::uint64_t at = 0;
  for (;;) {
    CONTINUO_TRY(const auto line, reader.next());
    if (!line) return kept;
    at += line->text.size() + 1;
    if (at > size) return kept;  // the last line does not end: it is torn
    if (table && line->number == 1) {
      if (line->text + '\n' != csv_header()) return no_answer(name_, line->number);
      kept.bytes = at;
      continue;
    }
    Entry entry{.answer = true};
    if (form.format != BatchFormat::text) {
      CONTINUO_TRY(entry, table ? read_row(*line, name_) : read_entry(*line, name_));
    }
    if (!entry.answer) continue;
    kept.bytes = at;
    ++kept.answers;
    kept.errors += entry.error ? 1 : 0;
    if (form.format != BatchFormat::text) {
      CONTINUO_TRY_VOID(keep(entry, form, name_, *line, kept));
    }
  }
}

bool AnswerFile::write(std::string_view text, const std::atomic<bool>& interrupted) {
  while (!text.empty() && !ended()) {
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (poll(&ready, 1, kLookMilliseconds) <= 0) {
      if (interrupted) break;
      continue;
    }
    const ssize_t n = ::write(fd_, text.data(), regular_ ? text.size() : std::min(text.size(), kPipePiece));
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
      size_ += static_cast<std::uint64_t>(n);
    } else if (errno == EPIPE) {
      reader_gone_ = true;
    } else if (errno != EINTR && errno != EAGAIN) {
      failure_ = errno;
    }
  }
  if (regular_ && std::chrono::steady_clock::now() - synced_ > kSyncEvery) sync();
  return text.empty() && !ended();
}

// So that a machine that loses its power loses seconds.
void AnswerFile::sync() {
  synced_ = std::chrono::steady_clock::now();
  if (failure_ == 0 && fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS) failure_ = errno;
  look_for_loss();
}

// What was written is gone if somebody deleted the file or cut it.
void AnswerFile::look_for_loss() {
  struct stat status {};
  if (fstat(fd_, &status) != 0) return;
  if (status.st_nlink == 0) {
    lost_ = "the file was deleted while its answers were written";
  } else if (static_cast<std::uint64_t>(status.st_size) < size_) {
    lost_ = fmt::format("the file has {} bytes, but {} were written: somebody else cut it", status.st_size, size_);
  }
}

Result<void> AnswerFile::finish() {
  if (regular_) sync();
  if (failure_ != 0) return failed(name_, failure_, regular_);
  if (!lost_.empty()) return Error{.kind = ErrorKind::output, .what = lost_, .file = name_};
  return {};
}

}  // namespace continuo
