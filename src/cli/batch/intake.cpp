#include "cli/batch/intake.h"

#include <signal.h>

#include <fmt/format.h>

#include "base/json.h"
#include "requests/request_json.h"

namespace continuo {

namespace {

// Read ahead: at most so many requests, whose lines have at most so many bytes (or one).
constexpr std::size_t kAhead = 256;
constexpr std::size_t kAheadBytes = std::size_t{8} << 20;
constexpr std::chrono::milliseconds kWait{50};

// Signals are for the thread that answers, so that they interrupt its waiting.
std::thread without_signals(auto body) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(body);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

// A request's fields in one order, without those that are null, which are as good as absent; a line that is no request
// as it is.
std::string meaning_of(const std::string& line) {
  auto fields = parse_request_json(line);
  if (!fields || !fields->is_object()) return line;
  for (auto field = fields->begin(); field != fields->end();) {
    field = field->is_null() ? fields->erase(field) : std::next(field);
  }
  return fields->dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

Intake::Intake(int fd, std::string name, std::size_t longest_line, const RequestParser& parser, Selection selection)
    : parser_(parser),
      selection_(std::move(selection)),
      reader_(fd, std::move(name), longest_line, stop_, line_kind(selection_.format)),
      thread_(without_signals([this] { read(); })) {}

Intake::~Intake() {
  stop_ = true;
  changed_.notify_all();
  thread_.join();
}

void Intake::read() {
  try {
    const auto all = read_requests();
    end(all ? std::nullopt : std::optional(all.error()));
  } catch (...) {  // main's to say
    const std::lock_guard lock(mutex_);
    ended_ = true;
    thrown_ = std::current_exception();
    changed_.notify_all();
  }
}

Result<void> Intake::read_requests() {
  const bool table = selection_.format == BatchFormat::csv;
  if (table) {
    CONTINUO_TRY(const auto header, reader_.next());
    if (!header) return {};
    header_ = header->text;
    CONTINUO_TRY(columns_, parser_.csv_columns(*header));
  }
  for (;;) {
    CONTINUO_TRY(auto line, reader_.next());
    if (!line) break;
    line->number -= table ? 1 : 0;
    if ((line->number - 1) % selection_.shards != selection_.shard) continue;
    const std::uint64_t order = selected_++;
    CONTINUO_TRY(const bool done, done_before(*line, order));
    if (done) continue;
    Job job{.line = line->number, .order = order, .bytes = line->text.size(), .request = parse(*line)};
    std::visit([&](auto& request) { request.digest = digest_of(*line); }, job.request);
    if (!put(std::move(job))) return {};
  }
  if (stop_ || found_ == selection_.done.answers) return {};
  return usage_error(
      fmt::format("there are {} answers already, but only {} requests for them", selection_.done.answers, found_),
      "is this the input that they answer?");
}

std::uint64_t Intake::digest_of(const Line& line) const {
  const std::string asked = selection_.format == BatchFormat::jsonl ? meaning_of(line.text) : line.text;
  return derived_seed(0, Answer(selection_.defaults + '\n' + header_ + '\n' + asked));
}

ParsedRequest Intake::parse(const Line& line) const {
  switch (selection_.format) {
    case BatchFormat::text:
      return parser_.parse_text(line);
    case BatchFormat::csv:
      return parser_.parse_csv(line, columns_);
    case BatchFormat::jsonl:
      break;
  }
  return parser_.parse_json(line);
}

RequestIdentity Intake::identity(const Line& line) const {
  return selection_.format == BatchFormat::csv ? parser_.csv_identity(line, columns_) : parser_.json_identity(line);
}

Result<bool> Intake::done_before(const Line& line, std::uint64_t order) {
  const Kept& done = selection_.done;
  const auto by_line = done.by_line.find(line.number);
  if (selection_.by_line ? by_line == done.by_line.end() : order >= done.answers) return false;
  ++found_;
  if (selection_.format == BatchFormat::text) return true;  // lines of text do not say whose they are
  const KeptAnswer& answer = selection_.by_line ? by_line->second : done.in_order[order];
  const RequestIdentity asked = identity(line);
  if (hash_of(asked.id) != answer.id) {
    return usage_error(fmt::format("an answer has another id than its request on line {}", line.number),
                       "is this the input that the answers are for?");
  }
  if (answer.seed && answer.seed != asked.seed) {
    return usage_error(fmt::format("an answer has another seed than its request on line {}", line.number),
                       "--resume goes on with the same input and the same --seed");
  }
  if (answer.digest != digest_of(line)) {
    return usage_error(
        fmt::format("the request on line {} has changed since it was answered, or an option has", line.number),
        "--resume goes on with the same input and the same options; --overwrite begins anew");
  }
  return true;
}

bool Intake::put(Job job) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    return stop_ || ready_.empty() || (ready_.size() < kAhead && ready_bytes_ + job.bytes <= kAheadBytes);
  });
  if (stop_) return false;
  ready_bytes_ += job.bytes;
  ready_.push_back(std::move(job));
  changed_.notify_all();
  return true;
}

void Intake::end(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  error_ = std::move(error);
  changed_.notify_all();
}

std::optional<Job> Intake::take(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) changed_.wait_for(lock, kWait, [&] { return ended_ || !ready_.empty(); });
  if (ready_.empty()) {
    if (thrown_) std::rethrow_exception(thrown_);
    return std::nullopt;
  }
  Job job = std::move(ready_.front());
  ready_.pop_front();
  ready_bytes_ -= job.bytes;
  changed_.notify_all();
  return job;
}

bool Intake::exhausted() {
  const std::lock_guard lock(mutex_);
  return ended_ && ready_.empty();
}

std::optional<Error> Intake::error() {
  const std::lock_guard lock(mutex_);
  return error_;
}

}  // namespace continuo
