// The requests of a run, read and parsed ahead by a thread of their own, but only so far.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "cli/batch/answer_file.h"
#include "cli/batch/lines.h"
#include "requests/request.h"

namespace continuo {

struct Job {
  std::uint64_t line = 0;   // of the input, from 1; of a table its row after the header
  std::uint64_t order = 0;  // among the requests of this run, from 0
  std::size_t bytes = 0;    // of the line
  ParsedRequest request;
};

// Which lines of the input are this run's.
struct Selection {
  std::uint64_t shard = 0, shards = 1;  // line i (from 0) if i % shards == shard
  BatchFormat format = BatchFormat::jsonl;
  bool by_line = false;       // what is done is known by lines, not by order
  std::string defaults = {};  // what the run's options say of every request, as a text
  Kept done;                  // answered by an earlier run
};

inline LineKind line_kind(BatchFormat format) {
  return format == BatchFormat::csv ? LineKind::csv_row : LineKind::line;
}

class Intake {
 public:
  // `parser` outlives it. Everything of `source` is read from here on.
  Intake(int fd, std::string name, std::size_t longest_line, const RequestParser& parser, Selection selection);
  ~Intake();

  // The next request; waits for it if asked to, but not for long. Throws what the reading thread ran into:
  // memory running out, our own bugs.
  std::optional<Job> take(bool wait);
  // Nothing is left, or reading failed.
  bool exhausted();
  // Why reading failed, or why the input is not that of the answers which are there.
  std::optional<Error> error();
  // Lines read so far that are this run's.
  std::uint64_t lines() const { return selected_; }

 private:
  void read();
  Result<void> read_requests();
  Result<bool> done_before(const Line& line, std::uint64_t order);
  ParsedRequest parse(const Line& line) const;
  RequestIdentity identity(const Line& line) const;
  // Of what is asked, for a later run that goes on: another line, header or default has another.
  std::uint64_t digest_of(const Line& line) const;
  bool put(Job job);
  void end(std::optional<Error> error);

  const RequestParser& parser_;
  Selection selection_;
  std::atomic<bool> stop_{false};
  LineReader reader_;
  std::atomic<std::uint64_t> selected_{0};
  CsvColumns columns_;
  std::string header_;       // of a table, as it is written
  std::uint64_t found_ = 0;  // requests that are answered already

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Job> ready_;
  std::size_t ready_bytes_ = 0;
  bool ended_ = false;
  std::optional<Error> error_;
  std::exception_ptr thrown_;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace continuo
